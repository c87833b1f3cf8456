"""What is proposed fits into an association and leaves out no class and no transfer syntax."""

import pytest

from pacsflow.dicom.dimse.contexts import MOST_CLASSES, TRANSFER_SYNTAXES, batches, proposal, storage_classes

CT = "1.2.840.10008.5.1.4.1.1.2"


@pytest.mark.parametrize("number", [0, 1, 2, 3, 8, 9, 12, 20, 40, 60, MOST_CLASSES])
def test_every_class_is_proposed_in_every_transfer_syntax_within_128_contexts(number):
    classes = [f"1.2.3.{last}" for last in range(number)]
    contexts, roles = proposal(classes)
    assert len(contexts) <= 128
    for uid in classes:
        offered = [syntax for cx in contexts if cx.abstract_syntax == uid for syntax in cx.transfer_syntax]
        assert sorted(offered) == sorted(TRANSFER_SYNTAXES)
    assert [role.sop_class_uid for role in roles] == sorted(classes)
    assert all(role.scp_role and not role.scu_role for role in roles)


def test_the_usual_syntaxes_have_a_context_each_so_that_nothing_is_transcoded():
    contexts, _ = proposal([f"1.2.3.{last}" for last in range(8)])
    alone = {
        str(cx.transfer_syntax[0])
        for cx in contexts
        if cx.abstract_syntax == "1.2.3.0" and len(cx.transfer_syntax) == 1
    }
    assert {"1.2.840.10008.1.2", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80"} <= alone


def test_batches_hold_each_class_once():
    groups = batches(storage_classes())
    assert sorted(uid for group in groups for uid in group) == sorted(storage_classes())
    assert CT in groups[0]
    assert max(map(len, groups)) <= MOST_CLASSES


def test_retired_and_new_storage_classes_are_known():
    assert {CT, "1.2.840.10008.5.1.4.1.1.6", "1.2.840.10008.5.1.4.1.1.66.7", "1.2.840.10008.5.1.4.1.1.104.1"} <= set(
        storage_classes()
    )
