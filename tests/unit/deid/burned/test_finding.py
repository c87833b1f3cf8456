"""What is masked: by rules of the project, by regions, by what stands still, by what is read; and what is said of it."""

from dataclasses import replace

import numpy as np
import pytest
from pydicom import dcmread

from pacsflow.deid.burned import finding, reading
from pacsflow.deid.burned.boxes import Box
from pacsflow.deid.burned.personal import looks_personal, own, search_words
from pacsflow.deid.burned.still import still_boxes
from pacsflow.errors import RefusalError
from unit.deid.burned.pictures import background, captured, put, ultrasound
from unit.deid.instances import cleaner, encoded, read, streamed, whole

READER = pytest.mark.skipif(bool(reading.lacking()), reason="needs the extra `pixels`")
RULE = {"manufacturer": "acme", "model": "screen 3", "rows": 240, "columns": 320, "boxes": [[0, 0, 40, 320]]}


def masking(*rules):
    return cleaner(pixels={"burned_in": "mask", "masks": list(rules)})


def refusal(ds, profile):
    with pytest.raises(RefusalError) as caught:
        profile.clean(encoded(ds))
    return caught.value


def marks(ds):
    """What the instance says of its pixels."""
    codes = [item.CodeValue for item in ds.DeidentificationMethodCodeSequence]
    return ds.get("BurnedInAnnotation"), "113101" in codes


@pytest.fixture
def unread(monkeypatch):
    """As where the extra is not installed."""
    monkeypatch.setattr(reading, "missing", lambda package: ("needs it", "pip install 'pacsflow[pixels]'"))
    reading.text_reader.cache_clear()
    yield
    reading.text_reader.cache_clear()


def test_a_rule_of_the_project_masks_its_device_and_marks_it(unread):
    before = background()
    after = read(masking(RULE).clean(encoded(captured([before]))))
    assert not after.pixel_array[:40].any()
    assert np.array_equal(after.pixel_array[40:], before[40:])
    assert marks(after) == ("NO", True)


def test_a_large_instance_is_masked_by_a_rule_as_it_passes_by(unread):
    frames = [background(seed=number) for number in range(5)]
    source = encoded(captured(frames))
    through = whole(masking(RULE).clean(streamed(source, 2000, 777)))
    assert through == whole(masking(RULE).clean(source))


@pytest.mark.parametrize(
    "wrong", [{"rows": 241}, {"manufacturer": "Other"}, {"series": "dose"}, {"image_type": "SCREEN"}]
)
def test_a_rule_of_another_device_masks_nothing(unread, wrong):
    assert refusal(captured([background()]), masking(RULE | wrong)).reason.startswith("pixels: may show text")


@pytest.mark.parametrize("boxes", [[[240, 0, 300, 320]], [[0, 0, 40, 320], [0, 320, 10, 330]], [[9999, 0, 10000, 1]]])
def test_a_rule_whose_box_lies_beside_the_picture_lets_nothing_pass(unread, boxes):
    rule = {"manufacturer": "ACME", "boxes": boxes}
    assert "lies outside of the picture" in refusal(captured([background()]), masking(rule)).reason


def test_rules_pass_and_refuse_too(unread):
    ds = captured([background()])
    rule = {"manufacturer": "ACME", "series": "screens"}
    after = read(masking(rule | {"decision": "pass"}).clean(encoded(ds)))
    assert after.PixelData == ds.PixelData
    assert marks(after) == (None, False)
    assert (
        refusal(ds, masking(rule | {"decision": "refuse"}, RULE)).reason == "pixels: refused by a rule of the project"
    )


def test_without_the_extra_it_is_as_before_and_the_refusal_says_what_to_install(unread):
    error = refusal(captured([background()]), masking())
    assert error.reason == "pixels: may show text (SOPClassUID Secondary Capture)"
    assert "pip install 'pacsflow[pixels]'" in (error.fix or "")
    assert any("not installed" in sentence for sentence in masking().describe())


def test_video_is_refused_with_the_reason():
    ds = captured([background()])
    source = replace(encoded(ds), transfer_syntax_uid="1.2.840.10008.1.2.4.102")
    with pytest.raises(RefusalError, match="text in video"):
        masking().clean(source)


def test_decisions_do_not_change_the_digest_of_a_profile():
    assert masking(RULE).fingerprint() == masking().fingerprint()


def cine(frames=20, *, jitter=0):
    """A fan that moves, and text that does not; frames and the boxes of the text."""
    random = np.random.default_rng(5)
    still = np.zeros((240, 320), "u1")
    boxes = [
        put(still, "QUISTGAARD THORBJORN", (4, 6), 14),
        put(still, "PID-774411", (4, 230), 14),
        put(still, "12.05.2015", (222, 6), 12),
    ]
    made = []
    for _ in range(frames):
        frame = still.copy()
        frame[40:200, 60:260] = random.integers(0, 120, (160, 200))
        made.append(np.clip(frame + random.integers(0, jitter + 1, frame.shape), 0, 255).astype("u1"))
    return made, boxes


@pytest.mark.parametrize("jitter", [0, 6])
def test_what_stands_still_in_a_cine_is_found_without_a_model(jitter):
    frames, text = cine(jitter=jitter)
    boxes = still_boxes(np.minimum.reduce(frames), np.maximum.reduce(frames))
    where = np.zeros((240, 320), bool)
    for box in boxes:
        where[box.top : box.bottom, box.left : box.right] = True
    for top, left, bottom, right in text:
        assert where[top:bottom, left:right].mean() >= 0.9
    assert where.mean() < 0.15
    assert not where[40:200, 60:260].any()


def test_a_picture_in_which_nothing_moves_tells_nothing_of_stillness():
    assert still_boxes(background(), background()) == ()


class Blind:
    """A reader that finds nothing: what is masked is found without it."""

    def read(self, picture, *, enlarged=True):
        return []


@pytest.fixture
def blind(monkeypatch):
    monkeypatch.setattr(finding.TextFinder, "reader", staticmethod(Blind), raising=False)
    made = masking()
    finder = replace(made._compiled.finder, reader=Blind)
    return type(made)(replace(made._compiled, finder=finder))


def test_outside_of_ultrasound_regions_everything_goes(blind):
    frame = background()
    put(frame, "QUISTGAARD", (5, 5))
    after = read(blind.clean(encoded(ultrasound([frame], [(50, 60, 200, 260)])))).pixel_array
    inside = np.zeros(after.shape, bool)
    inside[50:200, 60:260] = True
    assert np.array_equal(after[inside], frame[inside])
    assert not after[~inside].any()


def test_still_text_of_a_cine_goes_in_all_frames(blind):
    frames, text = cine()
    after = read(blind.clean(encoded(ultrasound(frames)))).pixel_array
    for top, left, bottom, right in text:
        assert not after[:, top:bottom, left:right].any()
    assert np.array_equal(after[:, 40:200, 60:260], np.stack(frames)[:, 40:200, 60:260])


def test_a_large_cine_is_the_same_through_the_stream(blind):
    frames, _ = cine()
    source = encoded(ultrasound(frames))
    assert whole(blind.clean(streamed(source, 3000, 999))) == whole(blind.clean(source))


def test_a_device_that_deid_knows_is_masked_where_it_writes(blind):
    ds = captured(
        [background(512, 512)],
        Modality="CT",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.2",
        Manufacturer="GE MEDICAL SYSTEMS",
        ManufacturerModelName="LightSpeed VCT",
        ImageType=["DERIVED", "SECONDARY", "SCREEN SAVE"],
        SeriesDescription="Dose Report",
    )
    after = read(blind.clean(encoded(ds))).pixel_array
    assert not after[:110, :].any()
    assert after[130:].any()


def test_burned_in_yes_without_anything_found_waits_for_a_person(blind):
    error = refusal(captured([background()], BurnedInAnnotation="YES"), blind)
    assert error.reason.startswith("pixels: waits for a look")
    assert "pacsflow review" in (error.fix or "")


@READER
def test_what_is_read_decides():
    frame = background()
    name = put(frame, "QUISTGAARD THORBJORN", (8, 10), 18)
    word = put(frame, "SUPINE", (210, 120), 18)
    after = read(masking().clean(encoded(captured([frame])))).pixel_array
    assert len(np.unique(after[name[0] : name[2], name[1] : name[3]])) == 1
    assert np.array_equal(after[word[0] : word[2], word[1] : word[3]], frame[word[0] : word[2], word[1] : word[3]])


@READER
def test_nothing_personal_passes_and_is_not_marked():
    frame = background()
    put(frame, "SUPINE", (210, 120), 18)
    ds = captured([frame])
    after = read(masking().clean(encoded(ds)))
    assert after.PixelData == ds.PixelData
    assert marks(after) == (None, False)


@READER
def test_a_localizer_of_ct_is_read_although_it_says_nothing():
    frame = background()
    put(frame, "QUISTGAARD", (8, 10), 20)
    ds = captured(
        [frame], Modality="CT", SOPClassUID="1.2.840.10008.5.1.4.1.1.2", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]
    )
    after = read(masking().clean(encoded(ds)))
    assert not after.pixel_array[10:26, 12:100].any()
    assert marks(after) == ("NO", True)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    assert read(masking().clean(encoded(ds))).PixelData == ds.PixelData


@READER
@pytest.mark.soak
def test_published_images_with_known_text_do_not_pass_as_they_are(shared_data):
    """The words that stand in presidio's examples are not read in what leaves."""
    folder = shared_data / "presidio"
    looked = 0
    for file in sorted(folder.rglob("*ORIGINAL*.dcm")):
        source = dcmread(file)
        if "PixelData" not in source or file.name.startswith("RGB"):
            continue
        looked += 1
        from pacsflow.deid import read_part10

        after = read(masking().clean(read_part10(file)))
        grey = after.pixel_array.astype(float)
        words = reading.text_reader().read((grey * (255 / grey.max())).astype("u1"))
        mine = search_words([str(source.PatientName), str(source.PatientID)])
        assert marks(after) == ("NO", True)
        assert not any(own(word.text, mine) or looks_personal(word.text, word.score) for word in words), file.name
    assert looked == 2


@pytest.mark.parametrize(
    "text",
    [
        "12.05.2015",
        "2015-05-12",
        "20150512",
        "12 MAY 2015",
        "10:11:12",
        "PID774411",
        "774411",
        "DOB",
        "Name:",
        "Quistgaard, T",
        "Doe^Jane",
        "Vandenbossche",
        "Klinikum Nordstadt",
        "045Y",
        "山田太郎",
        "Квистгор",
    ],
)
def test_what_looks_personal(text):
    assert looks_personal(text, 0.9)


@pytest.mark.parametrize("text", ["L", "R", "SUPINE", "120 kV", "250 mA", "MI 1.2", "10 cm", "5 mm", "A", "HFS", "T1"])
def test_what_does_not(text):
    assert not looks_personal(text, 0.95)


def test_own_words_are_found_with_a_letter_wrong_and_in_any_script():
    words = search_words(["Quistgaard^Thorbjorn", "PID-774411", "山田^太郎", "Łukasz^Żółć"])
    for text in (
        "QUISTGAARD",
        "Qu1stgaard",
        "QUISTGAARDTHORBJORN",
        "774411",
        "77441l",
        "山田太郎",
        "lukasz",
        "THORBJØRN",
    ):
        assert own(text, words) or looks_personal(text, 0.9), text
    for text in ("SUPINE", "kV 120", "mA 250"):
        assert not own(text, words)


def test_boxes_of_a_region_go_together():
    words = [
        finding.Word(Box(10, 5, 20, 90), "Name: Doe", 0.9),
        finding.Word(Box(24, 5, 34, 60), "mA 250", 0.9),
        finding.Word(Box(200, 5, 210, 60), "SUPINE", 0.9),
    ]
    masked, unread = finding.sorted_out(words, frozenset(), [])
    assert masked == [Box(8, -1, 22, 96), Box(22, -1, 36, 66)]
    assert unread == []


UNREAD = finding.Word(Box(100, 5, 120, 60), "xq7?z", 0.2)


def test_what_cannot_be_read_goes_where_something_personal_stands_and_waits_where_not():
    name = finding.Word(Box(10, 5, 20, 90), "Name: Doe", 0.9)
    assert Box(96, -7, 124, 72) in finding.sorted_out([name, UNREAD], frozenset(), [])[0]
    assert finding.sorted_out([UNREAD], frozenset(), []) == ([], [UNREAD.box])


@pytest.mark.parametrize("text", ["", "000000", "O0OOO", "888-88", "8"])
def test_rings_that_anatomy_is_read_as_are_no_text(text):
    word = finding.Word(Box(100, 5, 120, 60), text, 0.6)
    assert finding.sorted_out([word], frozenset({"quistgaard"}), []) == ([], [])


def test_letters_that_the_reader_does_not_know_are_personal():
    """Cyrillic is read as blanks."""
    word = finding.Word(Box(100, 5, 110, 60), " ", 0.6)
    assert finding.sorted_out([word], frozenset(), [])[0]


def test_what_verification_empties_does_not_undo_the_masks(unread):
    """The second try, with one element emptied, has the pixel data of the first."""
    profile = cleaner(unlisted="keep", pixels={"burned_in": "mask", "masks": [RULE]})
    after = read(profile.clean(encoded(captured([background()], ScanOptions="QUISTGAARD"))))
    assert after.ScanOptions == ""
    assert not after.pixel_array[:40].any()
    assert marks(after) == ("NO", True)
