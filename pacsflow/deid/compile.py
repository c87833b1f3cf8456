"""A profile and a key become a Cleaner; all mistakes of the profile are found here, before anything is asked."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from pacsflow.deid.compile_rules import DATES, Compiler, table
from pacsflow.deid.contract import UNTOUCHED, Cleaner
from pacsflow.deid.encoding.dictionary import VR_OF, TagError
from pacsflow.deid.encoding.implementation import IMPLEMENTATION
from pacsflow.deid.recipe import CompiledRecipe, compile_recipe
from pacsflow.deid.rules import iod_types
from pacsflow.deid.rules.actions import Clean, Keep, Remove
from pacsflow.deid.rules.face_guard import FaceGuard
from pacsflow.deid.rules.free_text import ProjectWords
from pacsflow.deid.rules.guards import DropRule
from pacsflow.deid.rules.identity import Identity, IdentityRules
from pacsflow.deid.rules.marking import BASIC, CLEAN_PIXELS, OPTION_CODE, Marking
from pacsflow.deid.rules.table import Rules
from pacsflow.deid.rules.unlisted import Cleaners
from pacsflow.errors import Problem, ProjectError
from pacsflow.extras import missing
from pacsflow.pseudonyms import PseudonymContext, Pseudonyms, day_shifts, first_ids_of, pseudonyms_of
from pacsflow.wording import counted
from schemas.deid import DeidProfile

if TYPE_CHECKING:
    from pacsflow.deid.burned.finding import Held
    from pacsflow.deid.proof.verify import Verifier
    from pacsflow.deid.rules.study_people import Book

SHORTEST_KEY = 16
RULES: Final = 2
"""Counts what became of the rules: raised where the same profile leaves something else than before. 1: before there
was `unlisted`. Results that were made under other rules are not taken for these."""
_FIRST: Final = "PACSFLOW 0.1.0"
_UNTOLD = ("key", "recipe", "functions", "patient")
"""What the digest of a profile does not hold, or holds in another form."""


def compile_profile(
    profile: DeidProfile,
    key: bytes,
    *,
    pseudonyms: Pseudonyms | None = None,
    book: "Book | None" = None,
    held: "Held | None" = None,
) -> Cleaner:
    """The profile as a Cleaner. Raises ProjectError with every mistake: tags, values, sets, contradictions.

    `pseudonyms` gives pseudonyms that are not keyed (table, column, service); a patient it does not know is refused.
    `book` remembers whose each study is; left out, only this Cleaner does. `held` keeps images that wait for a look.
    """
    from pacsflow.deid.burned.finding import TextFinder
    from pacsflow.deid.cleaner import Compiled, PassThrough, ProfileCleaner
    from pacsflow.deid.rules.study_people import Memory, StudyPeople

    if profile.base == "none":
        return PassThrough()
    compiler, rules, drop, recipe = _checked(profile, key, given=pseudonyms is not None)
    first, last = profile.dates.days
    modified = _dates_of_options(profile) == "MODIFIED"
    ways = IdentityRules(
        profile.patient.prefix, (first, last), profile.uids.root, modified, day_shifts(profile), first_ids_of(profile)
    )
    identity = Identity(key, ways, pseudonyms)
    methods, codes = _methods(profile, recipe), _codes(profile, exceeds=compiler.exceeds)
    marking, painted = (
        Marking(methods, sorted({*codes, *more}), _dates(profile, rules, recipe)) for more in ((), (CLEAN_PIXELS,))
    )
    masks = profile.pixels.burned_in == "mask"
    return ProfileCleaner(
        Compiled(
            rules_for=lru_cache(256)(lambda sop_class: compiler.rules(iod_types.resolver(sop_class))),
            identity=identity,
            people=StudyPeople(identity, book or Memory()),
            marking=marking,
            drop=drop,
            cleans_text=any(isinstance(action, Clean | Cleaners) for action in rules.actions.values())
            or bool({"clean-structured-content", "clean-descriptors"} & set(profile.options)),
            refuse_risky=profile.pixels.burned_in == "drop-risky",
            finder=TextFinder(tuple(profile.pixels.masks), held) if masks else None,
            painted=painted,
            verifier=_verifier(
                rules,
                moved=_dates_of_options(profile) != "UNMODIFIED" and DATES[0] not in profile.options,
                ours=marking.text,
            )
            if profile.verify == "strict"
            else None,
            sentences=tuple(_sentences(profile, rules, recipe)),
            fingerprint=_fingerprint(profile, recipe),
            former=_former(profile, recipe) if profile.unlisted == "keep" else "",
            recipe=recipe,
            private_uids=frozenset(profile.uids.private),
            faces=_face_guard(profile, []),
            project=ProjectWords.of(profile.vocabulary.words, profile.vocabulary.patterns),
        )
    )


def describe_profile(profile: DeidProfile, key: bytes, *, given: bool = False) -> list[str]:
    """What a profile does, in sentences, without a Cleaner. Raises ProjectError as `compile_profile`.

    `given`: whether pseudonyms that are not keyed will be given.
    """
    if profile.base == "none":
        return list(UNTOUCHED)
    _, rules, _, recipe = _checked(profile, key, given=given)
    day_shifts(profile), first_ids_of(profile)
    return list(_sentences(profile, rules, recipe))


def compile_alone(profile: DeidProfile, key: bytes, book: "Book | None" = None) -> Cleaner:
    """The profile outside a run: with the patients of its table, if any. Raises ProjectError as `compile_profile`."""
    given = pseudonyms_of(PseudonymContext(profile.patient, vault=None)) if profile.patient.source == "table" else None
    return compile_profile(profile, key, pseudonyms=given, book=book)


def _checked(
    profile: DeidProfile, key: bytes, *, given: bool
) -> tuple[Compiler, Rules, tuple[DropRule, ...], CompiledRecipe | None]:
    """The rules of a profile. Raises ProjectError with all its mistakes."""
    recipe = compile_recipe(profile)
    compiler = Compiler(profile, recipe)
    rules = compiler.rules(iod_types.conservative)
    drop = _drop_rules(profile, compiler.problems)
    compiler.problems += recipe.problems if recipe else []
    compiler.problems += _contradictions(profile, key)
    compiler.problems += _undone(profile, given=given)
    _face_guard(profile, compiler.problems)
    if compiler.problems:
        raise ProjectError(compiler.problems)
    return compiler, rules, drop, recipe


def _drop_rules(profile: DeidProfile, problems: list[Problem]) -> tuple[DropRule, ...]:
    return _rules_for_headers("drop", profile.drop, problems)


def _rules_for_headers(
    field: str, entries: Sequence[Mapping[str, Any]], problems: list[Problem]
) -> tuple[DropRule, ...]:
    rules: list[DropRule] = []
    for number, entry in enumerate(entries):
        try:
            rules.append(DropRule(entry))
        except TagError as error:
            problems.append(Problem("deid.yaml", 0, f"{field}[{number}]", str(error), error.fix))
    return tuple(rules)


def _face_guard(profile: DeidProfile, problems: list[Problem]) -> FaceGuard:
    faces = profile.pixels.faces
    return FaceGuard(frozenset(faces.remove), _rules_for_headers("pixels.faces.no_face", faces.no_face, problems))


def _contradictions(profile: DeidProfile, key: bytes) -> Iterator[Problem]:
    if set(DATES) <= set(profile.options):
        yield Problem("deid.yaml", 0, "options", "full and modified dates exclude each other", "keep one of the two")
    if len(key) < SHORTEST_KEY:
        yield Problem("deid.yaml", 0, "key", "the key is too short", "make one of 32 random bytes: pacsflow init")
    if DATES[1] not in profile.options or profile.dates.method != "shift":
        fix = f"add the option {DATES[1]}, with `dates: {{method: shift}}`"
        for number, rule in enumerate(profile.elements):
            if rule.action == "date":
                yield Problem("deid.yaml", 0, f"elements[{number}].action", "dates have no shift", fix)


def _undone(profile: DeidProfile, *, given: bool) -> Iterator[Problem]:
    """What the language can say and this version does not do: refused, not passed over."""
    needed = ("SimpleITK", "pydeface") if profile.pixels.faces.remove else ()
    for lacking in filter(None, map(missing, needed)):
        yield Problem("deid.yaml", 0, "pixels.faces.remove", *lacking)
    if profile.patient.source != "keyed" and not given:
        yield Problem("deid.yaml", 0, "patient.source", "has no patients to give here", "write keyed or table")


def _dates(profile: DeidProfile, rules: Rules, recipe: CompiledRecipe | None = None) -> str:
    """(0028,0303) Longitudinal Temporal Information Modified. Where some dates move and others stay: MODIFIED."""
    kept, moved = (recipe.keeps_dates, recipe.moves_dates) if recipe else (False, False)
    if DATES[0] in profile.options or kept:
        return "UNMODIFIED"
    said = _dates_of_options(profile)
    if said == "REMOVED" and moved:
        return "MODIFIED"
    return "UNMODIFIED" if said == "REMOVED" and _kept_dates(rules) else said


def _kept_dates(rules: Rules) -> list[int]:
    """Attributes with a date that stay as they are."""
    return [tag for tag in rules.known if VR_OF[tag] in {"DA", "DT"} and tag not in rules.actions]


def _dates_of_options(profile: DeidProfile) -> str:
    if DATES[1] not in profile.options or profile.dates.method == "remove":
        return "REMOVED"
    return "UNMODIFIED" if profile.dates.method == "keep" else "MODIFIED"


def _methods(profile: DeidProfile, recipe: CompiledRecipe | None) -> list[str]:
    return [IMPLEMENTATION, f"PS3.15 {table()['edition']}", f"profile {_fingerprint(profile, recipe)}"]


def _codes(profile: DeidProfile, *, exceeds: bool) -> list[str]:
    """Codes of CID 7050; not the basic profile's where element rules keep more than it would."""
    codes = {OPTION_CODE[option] for option in profile.options}
    if profile.private.keep:
        codes.add(OPTION_CODE["retain-safe-private"])
    if DATES[1] in profile.options and profile.dates.method in ("remove", "keep"):
        codes.discard(OPTION_CODE[DATES[1]])
    return sorted(codes | (set() if exceeds else {BASIC}))


def _verifier(rules: Rules, *, moved: bool, ours: bytes) -> "Verifier":
    from pacsflow.deid.proof.verify import Verifier

    allowed = frozenset(tag for tag, action in rules.private.items() if not isinstance(action, Remove))
    return Verifier(frozenset(rules.actions), allowed, moved=moved, ours=ours)


def _untold(profile: DeidProfile) -> dict[str, Any]:
    """What the digest does not hold; of what was not there once only what is said, as digests are to stay."""
    untold: dict[str, Any] = dict.fromkeys(_UNTOLD, True)
    if profile.dates.direction != "subtract":  # to add is what was done before it could be said
        untold["dates"] = {"direction"}
    if profile.study_ids == "empty":
        untold["study_ids"] = True
    if profile.unlisted == "keep":
        untold["unlisted"] = True
    if not profile.vocabulary.words and not profile.vocabulary.patterns:
        untold["vocabulary"] = True
    if not profile.uids.private:
        untold["uids"] = {"private"}
    untold["pixels"] = {"masks"}  # decisions that people add while a project goes on
    if not profile.pixels.faces.remove:
        untold["pixels"] = {"masks", "faces"}
    return untold


def _fingerprint(profile: DeidProfile, recipe: CompiledRecipe | None) -> str:
    """Another one wherever another profile, edition or version may leave something else in an instance."""
    return _digest(profile, recipe, f"{table()['edition']}{IMPLEMENTATION} rules {RULES}")


def _former(profile: DeidProfile, recipe: CompiledRecipe | None) -> str:
    """What the first version called the same profile."""
    return _digest(profile, recipe, f"{table()['edition']}{_FIRST}")


def _digest(profile: DeidProfile, recipe: CompiledRecipe | None, ways: str) -> str:
    known = {"token", "file", "url"} | (set() if profile.patient.shared else {"shared"})
    patient = profile.patient.model_dump_json(exclude=known)
    said = profile.model_dump_json(exclude=_untold(profile)) + patient + (recipe.digest if recipe else "") + ways
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _sentences(profile: DeidProfile, rules: Rules, recipe: CompiledRecipe | None) -> Iterator[str]:
    counts: dict[str, int] = {}
    for action in rules.actions.values():
        counts[action.says] = counts.get(action.says, 0) + 1
    options = ", ".join(profile.options) or "no options"
    yield f"Basic profile of PS3.15 {table()['edition']} with {options}."
    yield from (
        f"{counted(number, 'attribute is', 'attributes are')} {says}." for says, number in sorted(counts.items())
    )
    kept = sum(isinstance(action, Keep) for action in rules.private.values())
    yield f"Private elements are removed but {kept} that are listed." if kept else "Private elements are removed."
    yield {
        "REMOVED": f"Dates are removed{f', but {stay} that stay' if (stay := len(_kept_dates(rules))) else ''}.",
        "MODIFIED": "Dates are moved by one shift per patient, {} to {} days.".format(*profile.dates.days)
        if profile.dates.method == "shift"
        else "Dates are cut down to their year.",
        "UNMODIFIED": "Dates stay as they are.",
    }[_dates_of_options(profile)]
    if own := (*profile.vocabulary.words, *profile.vocabulary.patterns):
        yield f"Cleaned text keeps these words and patterns of the project's own: {', '.join(own)}."
    yield from recipe.sentences() if recipe else ()
    if profile.pixels.burned_in == "keep":
        yield "Images that may show text are kept: look at them before they leave."
    if profile.pixels.burned_in == "mask":
        yield from _masking(profile)
    if faces := profile.pixels.faces.remove:
        yield f"Faces are removed from heads in {', '.join(faces)}; what fails the check is held."
    if profile.verify == "off":
        yield "Verification is off."


def _masking(profile: DeidProfile) -> Iterator[str]:
    from pacsflow.deid.burned.reading import lacking

    rules = len(profile.pixels.masks)
    yield (
        f"Text in images is masked, by {counted(rules, 'rule')} of the project and by what is read."
        if rules
        else ("Text in images is masked where it is personal by what is read.")
    )
    if fix := lacking():
        yield f"Images are not read, as a package is not installed ({fix}): those at risk without a rule are refused."
