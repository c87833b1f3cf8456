"""What cleaned text keeps: descriptions of six languages as they are, and no names of other people."""

import logging
import warnings
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from pacsflow.deid.rules.free_text import ProjectWords, Scrubber, plain
from pacsflow.deid.vocabulary import kept_words

HERE = Path(__file__).parent
NOBODY = Scrubber()
MOST_KEPT = 0.005
LEAST_UNCHANGED = 0.9
DESCRIPTIONS = {
    "sequences": """
        EPI PE=LR|EPI PE=AP|fmap_acq-3mm|mprage-p3|INV1|t1_mp2rage_sag_p3_iso_INV2|t2_tse_tra_fs_3mm|ep2d_diff_b0_b1000_tra
        MPRAGE ADNI sag|t1_vibe_dixon_tra_bh_pre|AX T2 FLAIR FS|3D T1 TFE SENSE|DTI 64 dir b=1000|REST1 w SMS PF7-8|ax_asc_35sl
        t2_space_sag_iso|TOF_3D_multi-slab|rfMRI_REST_AP_SBRef|SWI_Images|Mag_Images|Pha_Images|mIP_Images(SW)|anat-T1w_acq-tfl
        func_task-rest_dir-AP|WIP B0 NS|LAX 4CH cine|SAX LGE PSIR|DBT L MLO|PTV_60Gy|CT Thorax 1.0 B30f|Axial EPI-FMRI (Interleaved I to S)
        Accelerated SAG IR-SPGR|ADC (10^-6 mm2/s)|PE CHEST|ISOVUE 370 70ml|Omniscan|FDG-PET AC|CTAC 3.0|TrueX 2i21s
        """,
    "en": """
        CT HEAD WITHOUT CONTRAST|Chest AP portable|CT ABDOMEN/PELVIS W CONTRAST|MRI brain w/wo contrast|white matter lesion|Right knee
        Follow-up lung nodule|XR C Spine 4 views|Lumbar spine, sagittal T2|US kidneys and bladder|Arterial phase|delayed phase 5 min
        """,
    "de": """
        CT Schädel nativ|Kopf nativ|Hüfte links|Thorax ap liegend|Knie rechts seitlich|MRT Wirbelsäule lumbal|Abdomen portalvenös|Becken übersicht
        Handgelenk links 2 Ebenen|Nasennebenhöhlen koronar|Oberbauch mit Kontrastmittel|Leber arterielle Phase|HWS seitlich|Sprunggelenk re
        """,
    "fr": """
        Rachis lombaire sans injection|Genou droit face|Thorax face debout|TDM cérébrale sans injection|Coupes fines parenchyme|Temps portal tardif
        IRM genou gauche|Bassin face|Épaule droite|Foie temps artériel|Reconstruction coronale|Abdomen sans contraste|Crâne profil
        """,
    "it": """
        Torace senza mdc|Encefalo con contrasto|Ginocchio destro|Colonna lombosacrale|Addome fase arteriosa|Spalla sinistra|Bacino
        Rachide cervicale sagittale|Fegato fase venosa tardiva|Cranio senza contrasto|Mammella destra|Polmone strato sottile
        """,
    "es": """
        Tórax sin contraste|Cráneo con contraste|Rodilla derecha|Columna lumbar sagital|Abdomen fase arterial|Hombro izquierdo|Pelvis
        Cerebro sin contraste|Cortes finos pulmón|Hígado fase venosa|Cadera izquierda|Muñeca derecha|Senos paranasales
        """,
    "nl": """
        Hersenen zonder contrast|Knie rechts|Thorax staand|Bekken overzicht|Lever arteriële fase|Wervelkolom lumbaal|Schouder links
        Heup links|Buik met contrast|Hals weke delen|Enkel links|Schedel|Longen dunne coupes
        """,
}
PERSONAL = {
    "Discussed with Dr Brown and Prof. White, wife Rose King, lives at 12 Long Hill Road": (
        "Brown",
        "White",
        "Rose",
        "King",
        "Long",
        "Hill",
        "12",
    ),
    "seen 12 May 48, chest": ("May", "12", "48"),
    "12-May": ("May", "12"),
    "May 12th, 1948 chest": ("May", "12", "1948"),
    "am 3. März 2019 Kontrolle": ("3", "rz", "2019"),
    "le 14 février 1952": ("14", "vrier", "1952"),
    "95 y old": ("95",),
    "95-jährige Patientin": ("95",),
    "âge 93 ans": ("93",),
    "aged 101, chest": ("101",),
    "Frau Keller, Knie links": ("Keller",),
    "gesehen von OA Dr. Koch": ("Koch",),
    "Mme Blanc, rachis": ("Blanc",),
    "Sig.ra Bianca Rossi torace": ("Bianca", "Rossi"),
    "Dhr. van der Berg knie": ("Berg", "van"),
    "J. Smith chest": ("Smith", "J."),
    "Bahnhofstrasse 12, 8001 Zürich": ("Bahnhof", "12", "8001"),
    "12 rue de la Paix": ("Paix",),
    "Rue du Lac 4 genou": ("Lac", "4"),
    "Via Garibaldi 7, torace": ("Garibaldi", "7"),
    "Kerkstraat 9 knie": ("Kerk", "9"),
    "call +41 21 314 11 11 chest": ("314", "21"),
    "a.b@example.org head": ("example", "@"),
    "née Dupont": ("Dupont",),
    "daughter Faith called": ("Faith",),
    "Mr Day chest": ("Day",),
    "Dr Head, neck": ("Head",),
    "seen by Dixon": ("Dixon",),
    "born 23.05.1941": ("23", "1941"),
    "23/5/41 chest": ("41",),
    "BAUER01 chest": ("BAUER",),
    "HeadBrown": ("Brown",),
}
NAMES = {
    "de": "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein Wolf Schröder "
    "Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt Werner Krause Meier Lehmann Köhler Maier Walter König",
    "ch": "Keller Huber Steiner Moser Brunner Baumann Gerber Frei Graf Roth Suter Baumgartner Bühler Kunz Frey Zürcher Wyss Ammann Favre Rochat",
    "fr": "Martin Bernard Thomas Petit Robert Richard Durand Dubois Moreau Laurent Simon Michel Lefebvre Leroy Roux David Bertrand "
    "Morel Fournier Girard Bonnet Dupont Lambert Fontaine Rousseau Vincent Faure André Mercier Blanc Garnier Chevalier Boyer",
    "it": "Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti Costa Giordano Mancini Rizzo "
    "Lombardi Moretti Barbieri Fontana Santoro Mariani Rinaldi Caruso Ferrara Galli Martini Leone Longo Gentile Martinelli Vitale",
    "es": "García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Jiménez Ruiz Hernández Díaz Moreno Muñoz Álvarez "
    "Romero Alonso Gutiérrez Navarro Torres Domínguez Vázquez Ramos Gil Ramírez Serrano Blanco Molina Morales Suárez Ortega Cortés",
    "nl": "Jong Jansen Vries Berg Dijk Bakker Janssen Visser Smit Meijer Boer Mulder Groot Bos Vos Peters Hendriks Leeuwen Dekker "
    "Brouwer Wit Dijkstra Smits Graaf Meer Linden Kok Jacobs Haan Vermeulen Heuvel Veen Broek Bruijn Schouten Beek Willems",
    "uk": "Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White Roberts Green Hall Wood "
    "Jackson Clarke Patel Khan Lewis James Phillips Mason Mitchell Rose Davis Rodgers Cox Alexander Marshall Lee Li Wang Singh",
}


@pytest.mark.parametrize("language", DESCRIPTIONS)
def test_typical_descriptions_stay_as_they_are(language):
    texts = [text.strip() for line in DESCRIPTIONS[language].split("\n") for text in line.split("|") if text.strip()]
    changed = {text: NOBODY.text(text) for text in texts if NOBODY.text(text) != text}
    assert len(texts) >= 12
    assert changed == {}


@pytest.mark.parametrize(("text", "gone"), PERSONAL.items())
def test_what_stands_beside_a_title_a_relative_a_day_or_an_address_goes(text, gone):
    left = NOBODY.text(text)
    assert [word for word in gone if word.lower() in left.lower()] == []


def test_anatomy_after_a_title_stays():
    assert NOBODY.text("DR CHEST AP") == "DR CHEST AP"
    assert NOBODY.text("seen by Huber and Meier in lung").endswith("lung")


def test_surnames_of_other_people_are_kept_of_less_than_one_in_two_hundred():
    lines = HERE.joinpath("surnames_us_census.txt").read_text("ascii").splitlines()
    shares = {name: float(share) for name, share in map(str.split, lines)}
    kept = {name for name in shares if NOBODY.text(name.title())}
    assert len(shares) == 2000
    assert sum(shares[name] for name in kept) / sum(shares.values()) < MOST_KEPT


@pytest.mark.parametrize("country", NAMES)
def test_common_surnames_of_several_countries_go(country):
    names = NAMES[country].split()
    assert [name for name in names if NOBODY.text(f"Thorax {name}") != "Thorax"] == []
    assert [name for name in names if NOBODY.text(name.upper())] == []
    assert not kept_words() & {plain(name) for name in names}


@pytest.fixture(scope="module")
def real_headers(shared_data):
    """Series Description and Protocol Name of every file at hand, in which no test subject is named."""
    named = ("weisskoff", "User2", "pacsman", "ACRIN", "DCM2NIIX")
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    found = {"SeriesDescription": {}, "ProtocolName": {}}
    for path in sorted(path for path in shared_data.rglob("*") if path.is_file()):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ds = dcmread(path, stop_before_pixels=True, specific_tags=list(found))
        except (InvalidDicomError, OSError, ValueError, EOFError):
            continue
        for keyword, values in found.items():
            text = str(ds.get(keyword) or "").strip()
            if text and not any(name in text for name in named):
                values[text] = values.get(text, 0) + 1
    return found


@pytest.mark.parametrize("keyword", ["SeriesDescription", "ProtocolName"])
def test_real_descriptions_in_which_nothing_personal_stands_are_unchanged(real_headers, keyword):
    values = real_headers[keyword]
    same = [text for text in values if NOBODY.text(text) == text]
    assert len(values) > 10
    assert len(same) / len(values) >= LEAST_UNCHANGED
    assert sum(values[text] for text in same) / sum(values.values()) >= LEAST_UNCHANGED


def test_a_projects_own_words_and_patterns_stay_but_not_with_the_patients_name():
    own = ProjectWords.of(["Leopard", "weisskoff"], [r"ACRIN\d{4}", r"sub-\d{3}"])
    scrubber = Scrubber.of(["Leopard^Ann", "sub-007"], own)
    other = Scrubber.of(["Meier^Ann"], own)
    assert other.text("leopard 1_ACRIN6688_BREAST") == "leopard 1_ACRIN6688_BREAST"
    assert other.text("sub-001 ep2d_weisskoff") == "sub-001 ep2d_weisskoff"
    assert other.text("sub-001 Quistgaard T1") == "sub-001 T1"
    assert scrubber.text("leopard T1 sub-007") == "T1"


@pytest.mark.parametrize(
    "letters", ["a", "1", " ", "\0", ".", "\\", "@", "A.", "12 May ", "Dr ", "rue de ", "山", "a1"]
)
def test_long_text_is_cleaned_in_time(letters):
    assert isinstance(NOBODY.text(letters * (60_000 // len(letters))), str)


def test_texts_keep_their_character_set():
    assert NOBODY.clean("Schädel nativ".encode("latin-1"), ["latin-1"]) == "Schädel nativ".encode("latin-1")
    assert NOBODY.clean("Schädel".encode(), ["utf-8"]) == "Schädel".encode()
    assert NOBODY.clean("Schädel".encode("latin-1"), ["ascii"]).isascii()
