// @ts-check
/** What can be done with any page that has a map: print it, save its picture, share it, keep it. */

import { startPaper } from "./paper.js";
import { byId } from "./screen.js";
import { savePicture } from "./snapshot.js";
import { done, startTools } from "./tools.js";
import { startViews } from "./views.js";

startTools();
startViews();
startPaper();
byId("save-picture").addEventListener("click", () => savePicture().then(done));
