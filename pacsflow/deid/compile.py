"""A profile and a key become a Cleaner; all mistakes of the profile are found here, before anything is asked."""

import hashlib
from collections.abc import Iterator
from functools import lru_cache

from pacsflow.deid import iod_types
from pacsflow.deid.actions import Clean, Keep, Remove
from pacsflow.deid.cleaner import Compiled, PassThrough, ProfileCleaner
from pacsflow.deid.contract import Cleaner
from pacsflow.deid.dictionary import VR_OF, TagError
from pacsflow.deid.guards import DropRule
from pacsflow.deid.identity import Identity, Ways
from pacsflow.deid.marking import BASIC, OPTION_CODE, Marking
from pacsflow.deid.part10 import IMPLEMENTATION
from pacsflow.deid.profile import DATES, Compiler, table
from pacsflow.deid.recipe import CompiledRecipe, compile_recipe
from pacsflow.deid.rules import Rules
from pacsflow.deid.verify import Verifier
from pacsflow.errors import Problem, ProjectError
from pacsflow.pseudonyms import Means, Pseudonyms, day_shifts, pseudonyms_of
from schemas.deid import DeidProfile

SHORTEST_KEY = 16


def compile_profile(profile: DeidProfile, key: bytes, *, pseudonyms: Pseudonyms | None = None) -> Cleaner:
    """The profile as a Cleaner. Raises ProjectError with every mistake: tags, values, sets, contradictions.

    `pseudonyms` gives pseudonyms that are not keyed (table, column, service); a patient it does not know is refused.
    """
    if profile.base == "none":
        return PassThrough()
    recipe = compile_recipe(profile)
    compiler = Compiler(profile, recipe)
    rules = compiler.rules(iod_types.conservative)
    drop = _drop_rules(profile, compiler.problems)
    compiler.problems += recipe.problems if recipe else []
    compiler.problems += _contradictions(profile, key)
    compiler.problems += _undone(profile, given=pseudonyms is not None)
    if compiler.problems:
        raise ProjectError(compiler.problems)
    first, last = profile.dates.days
    modified = _dates_of_options(profile) == "MODIFIED"
    ways = Ways(profile.patient.prefix, (first, last), profile.uids.root, modified, day_shifts(profile))
    return ProfileCleaner(
        Compiled(
            rules_for=lru_cache(256)(lambda sop_class: compiler.rules(iod_types.resolver(sop_class))),
            identity=Identity(key, ways, pseudonyms),
            marking=Marking(
                _methods(profile, recipe), _codes(profile, exceeds=compiler.exceeds), _dates(profile, rules, recipe)
            ),
            drop=drop,
            cleans_text=any(isinstance(action, Clean) for action in rules.actions.values())
            or bool({"clean-structured-content", "clean-descriptors"} & set(profile.options)),
            refuse_risky=profile.pixels.burned_in != "keep",
            verifier=_verifier(rules) if profile.verify == "strict" else None,
            sentences=tuple(_sentences(profile, rules, recipe)),
            fingerprint=_fingerprint(profile, recipe),
            recipe=recipe,
        )
    )


def compile_alone(profile: DeidProfile, key: bytes) -> Cleaner:
    """The profile outside a run: with the patients of its table, if any. Raises ProjectError as `compile_profile`."""
    given = pseudonyms_of(Means(profile.patient, vault=None)) if profile.patient.source == "table" else None
    return compile_profile(profile, key, pseudonyms=given)


def _drop_rules(profile: DeidProfile, problems: list[Problem]) -> tuple[DropRule, ...]:
    rules: list[DropRule] = []
    for number, entry in enumerate(profile.drop):
        try:
            rules.append(DropRule(entry))
        except TagError as error:
            problems.append(Problem("deid.yaml", 0, f"drop[{number}]", str(error), error.remedy))
    return tuple(rules)


def _contradictions(profile: DeidProfile, key: bytes) -> Iterator[Problem]:
    if set(DATES) <= set(profile.options):
        yield Problem("deid.yaml", 0, "options", "full and modified dates exclude each other", "keep one of the two")
    if len(key) < SHORTEST_KEY:
        yield Problem("deid.yaml", 0, "key", "the key is too short", "make one of 32 random bytes: pacsflow init")
    if DATES[1] not in profile.options or profile.dates.method != "shift":
        remedy = f"add the option {DATES[1]}, with `dates: {{method: shift}}`"
        for number, rule in enumerate(profile.elements):
            if rule.action == "date":
                yield Problem("deid.yaml", 0, f"elements[{number}].action", "dates have no shift", remedy)


def _undone(profile: DeidProfile, *, given: bool) -> Iterator[Problem]:
    """What the language can say and this version does not do: refused, not passed over."""
    if profile.pixels.burned_in == "mask":
        yield Problem("deid.yaml", 0, "pixels.burned_in", "`mask` is not done", "write drop-risky or keep")
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


def _verifier(rules: Rules) -> Verifier:
    allowed = frozenset(tag for tag, action in rules.private.items() if not isinstance(action, Remove))
    return Verifier(frozenset(rules.actions), allowed)


def _fingerprint(profile: DeidProfile, recipe: CompiledRecipe | None) -> str:
    patient = profile.patient.model_dump_json(exclude={"token", "file", "url"})
    said = (
        profile.model_dump_json(exclude={"key", "recipe", "functions", "patient"})
        + patient
        + (recipe.digest if recipe else "")
        + table()["edition"]
        + IMPLEMENTATION
    )
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _sentences(profile: DeidProfile, rules: Rules, recipe: CompiledRecipe | None) -> Iterator[str]:
    counts: dict[str, int] = {}
    for action in rules.actions.values():
        counts[action.says] = counts.get(action.says, 0) + 1
    options = ", ".join(profile.options) or "no options"
    yield f"Basic profile of PS3.15 {table()['edition']} with {options}."
    yield from (f"{number} attributes are {says}." for says, number in sorted(counts.items()))
    kept = sum(isinstance(action, Keep) for action in rules.private.values())
    yield f"Private elements are removed but {kept} that are listed." if kept else "Private elements are removed."
    yield {
        "REMOVED": f"Dates are removed{f', but {stay} that stay' if (stay := len(_kept_dates(rules))) else ''}.",
        "MODIFIED": "Dates are moved by one shift per patient, {} to {} days.".format(*profile.dates.days)
        if profile.dates.method == "shift"
        else "Dates are cut down to their year.",
        "UNMODIFIED": "Dates stay as they are.",
    }[_dates_of_options(profile)]
    yield from recipe.sentences() if recipe else ()
    if profile.pixels.burned_in == "keep":
        yield "Images that may show text are kept: look at them before they leave."
    if profile.verify == "off":
        yield "Verification is off."
