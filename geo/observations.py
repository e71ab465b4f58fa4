"""What people write down on a safety walk: types, light, and the words they use for them."""

from __future__ import annotations

TYPE_LABELS = {
    "belysning": "Belysning",
    "gangtunnel": "Gångtunnel",
    "gangstrak": "Gångstråk",
    "klotter": "Klotter",
    "skadegorelse": "Skadegörelse",
    "nedskrapning": "Nedskräpning",
    "skymmande_vaxtlighet": "Skymmande växtlighet",
    "otrygg_samling": "Otrygghetsskapande samling",
    "trafik_moped": "Trafik/moped",
    "anlagd_brand": "Anlagd brand",
    "trygg_plats": "Trygg plats",
    "annat": "Annat",
}
LIGHT_LABELS = {"ljust": "Ljust", "morkt": "Mörkt"}

# Words of protocols -> slug. A label and a slug always count; the rest are spellings met.
TYPES = {
    **{slug: slug for slug in TYPE_LABELS},
    **{label: slug for slug, label in TYPE_LABELS.items()},
    "brister i belysning": "belysning",
    "belysningsbrist": "belysning",
    "tunnel": "gangtunnel",
    "gång- och cykeltunnel": "gangtunnel",
    "gång- och cykelväg": "gangstrak",
    "graffiti": "klotter",
    "växtlighet": "skymmande_vaxtlighet",
    "samling": "otrygg_samling",
    "moped": "trafik_moped",
    "trafik": "trafik_moped",
    "brand": "anlagd_brand",
    "övrigt": "annat",
}
LIGHTS = {
    **{slug: slug for slug in LIGHT_LABELS},
    **{label: slug for slug, label in LIGHT_LABELS.items()},
    "dagsljus": "ljust",
    "dag": "ljust",
    "mörker": "morkt",
    "kväll": "morkt",
}
