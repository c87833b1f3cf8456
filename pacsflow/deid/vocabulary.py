"""Words that may stand in free text: those of DICOM's own dictionaries, and of scanners' protocols."""

import json
import re
from functools import cache
from importlib.resources import files
from typing import Final

from pacsflow.attributes import DICOM, concepts, registered_uids

WELL_KNOWN = frozenset(registered_uids())
"""UIDs that PS3.6 Annex A registers: SOP classes, transfer syntaxes, well-known frames of reference."""


PROTOCOL_WORDS: Final = frozenset(
    """
    2d 3d 4d abd abdomen adc ang angio aorta ap art arterial asl ax axial b0 bh blade body bold bone brain
    bravo breast cardiac ce cest chest cine cisc ciss contrast cor coronal cspine ct cta ctp cube dark delayed
    derived diff diffusion dir dixon dti dual dwi dyn dynamic early echo ep2d epi fast fat fatsat fgatir field
    fiesta fl2d fl3d flair flash flow fmri frfse fs fse fsgr fspgr functional gad gado gd ge gradient grappa
    gre haste hd head heart hip hires hr in inversion ir iso ivim kidney knee lat late lava left liver loc
    localiser localizer long lower lspine lt lumbar lung map maps me medic mip mono motion mp2rage mpr mprage
    mr mra mrcp mri mrs mrv multi native neck non normal oblique opp optic out pa pancreas pc pca pcasl pd
    pelvis perf perfusion pet phase post pre prone propeller prostate protocol proton quick rapid ref reformat
    registration rest resting right rl rsfmri rt sag sagittal scan scout screening se sense sequence series
    shim short shoulder single skull slice slices smart soft space spair spc spgr spin spine spir spiral ssfp
    static std stir stress sub supine survey swi t1 t1w t2 t2star t2w ta tap te test tfe tfl thick thin thorax
    thrive ti tissue tof topo topogram tr tra trans transversal transverse true trufi tse tspine turbo ultra
    upper uro vein venous vibe view vista vol volume wb weighted whole wi with without wo wrist
    """.split()  # noqa: SIM905 - a list of words reads as one
)
"""Abbreviations of sequence and protocol names, as scanners' vendors document them."""

VENDORS: Final = frozenset(
    """
    acuson agfa aloka canon carestream elekta elscint esaote fonar fuji fujifilm ge healthcare hitachi hologic
    imaging kodak konica lorad marconi mec medical mindray minolta neusoft odelft philips picker planmed
    samsung sectra shimadzu siemens sonosite systems toshiba uih varian ziehm
    """.split()  # noqa: SIM905 - a list of words reads as one
)
"""What stands in Manufacturer."""

TITLES: Final = frozenset(
    ("name", "names", "patient", "patients", "person", "physician", "operator", "birth", "mother")
)
DEVICES: Final = ("models", "vendors")
"""Headings of imaging_words.json whose words stay in attributes that name devices and methods, and nowhere else."""
_WORD = re.compile(r"[a-z]{2,}")


@cache
def vocabulary() -> frozenset[str]:
    """Lower-case words: PS3.6 attribute names, PS3.16 code meanings, protocol words."""
    texts = [entry[2] for entry in DICOM.values()]
    texts += [meaning for scheme in concepts().values() for codes in scheme.values() for meaning, _ in codes.values()]
    words = {word for text in texts for word in _WORD.findall(text.lower())}
    return frozenset(words | PROTOCOL_WORDS | VENDORS) - TITLES


@cache
def _table(name: str) -> dict[str, str]:
    """A list of words by heading, without the line that says where they are from."""
    table = json.loads(files("pacsflow.deid").joinpath(f"tables/{name}.json").read_text("utf-8"))
    return {heading: words for heading, words in table.items() if heading != "source"}


@cache
def imaging_words() -> frozenset[str]:
    """Words of anatomy and protocols, in six languages: they stay though somebody may be called so."""
    return frozenset(word for heading in _table("imaging_words") if heading not in DEVICES for word in _words(heading))


@cache
def device_words() -> frozenset[str]:
    """Words of makers, models, software, kernels, coils and tracers: for attributes that name devices and methods."""
    return frozenset(word for heading in DEVICES for word in _words(heading))


@cache
def kept_words() -> frozenset[str]:
    """Words that stay in cleaned text: all above but what is a name and neither anatomy nor protocol."""
    names = frozenset(_table("name_words")["names"].split())
    return (vocabulary() - names - TITLES) | imaging_words() | PROTOCOL_WORDS - names | VENDORS


def _words(heading: str) -> list[str]:
    return _table("imaging_words")[heading].split()
