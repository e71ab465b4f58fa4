"""What people write down on a safety walk: types, light, and the words they use for them."""

from __future__ import annotations

TYPE_SLUGS = (
    "belysning",
    "gangtunnel",
    "gangstrak",
    "klotter",
    "skadegorelse",
    "nedskrapning",
    "skymmande_vaxtlighet",
    "otrygg_samling",
    "trafik_moped",
    "anlagd_brand",
    "trygg_plats",
    "annat",
)
LIGHT_SLUGS = ("ljust", "morkt")

# Words of protocols -> slug. A slug always counts; the rest are spellings met.
TYPES = {
    **{slug: slug for slug in TYPE_SLUGS},
    "Bristande belysning": "belysning",
    "Gångtunnel": "gangtunnel",
    "Gångstråk": "gangstrak",
    "Skadegörelse": "skadegorelse",
    "Nedskräpning": "nedskrapning",
    "Skymmande växtlighet": "skymmande_vaxtlighet",
    "Otrygghetsskapande samling": "otrygg_samling",
    "Trafik/moped": "trafik_moped",
    "Trafik och mopeder": "trafik_moped",
    "Anlagd brand": "anlagd_brand",
    "Spår av anlagd brand": "anlagd_brand",
    "Trygg plats": "trygg_plats",
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
    **{slug: slug for slug in LIGHT_SLUGS},
    "mörkt": "morkt",
    "dagsljus": "ljust",
    "dag": "ljust",
    "mörker": "morkt",
    "kväll": "morkt",
}
