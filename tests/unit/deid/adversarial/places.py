"""Further places for somebody else's name: private blocks, functional groups, plans, points, waveforms, odd groups."""

# fmt: off
import base64
import struct

import numpy as np

from unit.deid.adversarial.planting import THIRD, Kind, element, item, planted, sequence, text

UCS2 = THIRD.decode().encode("utf-16-le")


def frame(content):
    """Elements in the functional groups of one frame."""
    return sequence(0x52009230, item(content))


PLACES = {
    "private seq in functional group": ((frame(element(0x00210010, "LO", b"SIEMENS MR SDI 02 ")+sequence(0x002110FE, item(element(0x00210010, "LO", b"SIEMENS MR SDI 02 ")+element(0x00211058, "SH", text(THIRD))))),), (THIRD,)),
    "private SDI LO": ((element(0x00210010, "LO", b"SIEMENS MR SDI 02 "), element(0x00211006, "LO", text(THIRD))), (THIRD,)),
    "private SDI ST words": ((element(0x00210010, "LO", b"SIEMENS MR SDI 02 "), element(0x0021108E, "ST", text(b"X_1_"+THIRD))), (THIRD,)),
    "private SDI short 3 letters": ((element(0x00210010, "LO", b"SIEMENS MR SDI 02 "), element(0x00211056, "LO", text(b"Bob Li"))), (b"Bob Li",)),
    "private DS text": ((element(0x00190010, "LO", b"SIEMENS MR HEADER "), element(0x0019100A, "DS", text(THIRD))), (THIRD,)),
    "private AE": ((element(0x00190010, "LO", b"SIEMENS MR HEADER "), element(0x0019100F, "AE", text(THIRD))), (THIRD,)),
    "private UR": ((element(0x00190010, "LO", b"SIEMENS MR HEADER "), element(0x0019100F, "UR", text(b"http://"+THIRD))), (THIRD,)),
    "private UC third utf16 OB": ((element(0x00290010, "LO", b"SIEMENS CSA HEADER"), element(0x00291010, "OB", UCS2)), (THIRD,)),
    "GE 0025,1b raw text": ((element(0x00250010, "LO", b"GEMS_SERS_01"), element(0x0025101B, "OB", text(b"\0\0\0\1"+THIRD))), (THIRD,)),
    "GE LO pulse seq": ((element(0x00190010, "LO", b"GEMS_ACQU_01"), element(0x0019109C, "LO", text(THIRD))), (THIRD,)),
    "GE UN LO": ((element(0x00190010, "LO", b"GEMS_ACQU_01"), element(0x0019109C, "UN", text(THIRD))), (THIRD,)),
    "GE UN short8": ((element(0x00190010, "LO", b"GEMS_ACQU_01"), element(0x0019109C, "UN", b"Zwingels")), (b"Zwingels",)),
    "GE date other": ((element(0x00190010, "LO", b"GEMS_ACQU_01"), element(0x0019109C, "LO", b"20140317")), (b"20140317",)),
    "GE date other UN": ((element(0x00190010, "LO", b"GEMS_ACQU_01"), element(0x0019109C, "UN", b"20140317")), (b"20140317",)),
    "GE date IS": ((element(0x00430010, "LO", b"GEMS_PARM_01"), element(0x00431039, "IS", b"20140317")), (b"20140317",)),
    "UCS2 in OB pvt": ((element(0x00340002, "OB", UCS2),), (UCS2,)),
    "waveform annotation": ((sequence(0x0040B020, item(element(0x00700006, "ST", text(THIRD))+element(0x0040A0B0, "US", b"\1\0\1\0")+element(0x0040A132, "UL", b"\1\0\0\0"))),), (THIRD,)),
    "waveform data": ((sequence(0x54000100, item(element(0x003A0005, "US", b"\1\0")+element(0x54001010, "OW", text(THIRD)+bytes(100)))),), (THIRD,)),
    "waveform padding": ((sequence(0x54000100, item(element(0x5400100A, "OW", text(THIRD)))),), (THIRD,)),
    "RT plan labels": ((sequence(0x300A00B0, item(element(0x300A00C2, "LO", text(THIRD))+element(0x300A00C3, "ST", text(THIRD))+element(0x300A00B2, "SH", text(THIRD)))), element(0x300A0002, "SH", text(THIRD)), element(0x300A0003, "LO", text(THIRD)), element(0x300A0004, "ST", text(THIRD))), (THIRD,)),
    "RT prescriptions": ((sequence(0x300A0010, item(element(0x300A0016, "LO", text(THIRD)))), element(0x300A000E, "ST", text(THIRD))), (THIRD,)),
    "DICOM JSON string": ((element(0x00204000, "LT", text(b'{"00100010":{"vr":"PN", "Value":[{"Alphabetic":"'+THIRD+b'"}]}}')),), (THIRD,)),
    "LUT explanation": ((sequence(0x00283010, item(element(0x00283003, "LO", text(THIRD))+element(0x00283006, "OW", bytes(64)))), sequence(0x00283000, item(element(0x00283003, "LO", text(THIRD))+element(0x00283004, "LO", text(THIRD))))), (THIRD,)),
    "RWV label": ((sequence(0x00409096, item(element(0x00409210, "SH", text(THIRD))+element(0x00283003, "LO", text(THIRD)))),), (THIRD,)),
    "50xx": ((element(0x50000022, "LO", text(THIRD)), element(0x50002500, "LO", text(THIRD)), element(0x50100030, "SH", text(THIRD)), element(0x50023000, "OW", text(THIRD))), (THIRD,)),
    "60xx odd": ((element(0x60100022, "LO", text(THIRD)), element(0x60104000, "LT", text(THIRD)), element(0x601E1500, "LO", text(THIRD))), (THIRD,)),
    "7Fxx": ((element(0x7F110010, "LO", text(THIRD)), element(0x7F111001, "LO", text(THIRD))), (THIRD,)),
    "7FE1 private": ((element(0x7FE10010, "LO", text(b"GEMS_Ultrasound_MovieGroup_001")), element(0x7FE11001, "UN", text(THIRD))), (THIRD,)),
    "group 6": ((element(0x00060010, "LO", text(THIRD)),), (THIRD,)),
    "group 0006/8001": ((element(0x00068001, "UN", text(THIRD)),), (THIRD,)),
    "trailing bytes": ((element(0xFFFCFFFC, "OB", b"ab"),), (THIRD,)),
    "segmented LUT": ((element(0x00281221, "OW", text(THIRD)+bytes(100)),), (THIRD,)),
    "blending LUT": ((sequence(0x00701801, item(element(0x00281408, "OW", text(THIRD)+bytes(100)))),), (THIRD,)),
    "graphic data": ((sequence(0x00700001, item(sequence(0x00700009, item(element(0x00700022, "FL", np.frombuffer(THIRD, "u1").astype("<f4").tobytes()))))),), (np.frombuffer(THIRD, "u1").astype("<f4").tobytes(),)),
    "fill pattern": ((sequence(0x00700232, item(element(0x00700256, "OB", text(THIRD)))),), (THIRD,)),
    "points": ((sequence(0x00660002, item(sequence(0x00660011, item(element(0x00660016, "OF", THIRD))))),), (THIRD,)),
    "points doubles": ((sequence(0x00660002, item(sequence(0x00660011, item(element(0x00660022, "OD", THIRD+bytes(4)))))),), (THIRD,)),
    "track floats": ((sequence(0x00660101, item(element(0x00660106, "UT", text(THIRD))+sequence(0x00660102, item(element(0x00660016, "OF", THIRD))))),), (THIRD,)),
    "annotation group label": ((sequence(0x006A0002, item(element(0x006A0005, "LO", text(THIRD))+element(0x006A0006, "UT", text(THIRD))+element(0x006A0007, "CS", b"MANUAL"))),), (THIRD,)),
    "pixel measures explanation": ((sequence(0x52009229, item(sequence(0x00289110, item(element(0x00181164, "DS", text(THIRD)))))),), (THIRD,)),
    "IS in functional": ((frame(sequence(0x00209111, item(element(0x00209056, "SH", text(THIRD))+element(0x00209158, "LT", text(THIRD))+element(0x00209453, "LO", text(THIRD))))),), (THIRD,)),
    "device UDI seq": ((sequence(0x0018100A, item(element(0x00181009, "UT", text(THIRD))+element(0x00500020, "LO", text(THIRD)))),), (THIRD,)),
    "specimen": ((sequence(0x00400560, item(element(0x00400551, "LO", text(THIRD))+element(0x00400600, "LO", text(THIRD))+element(0x00400602, "UT", text(THIRD)))), element(0x00400512, "LO", text(THIRD))), (THIRD,)),
    "SR UID ref with name": ((sequence(0x0040A730, item(element(0x0040A040, "CS", b"UIDREF")+element(0x0040A124, "UI", text(THIRD, b"\0")))),), (THIRD,)),
    "SR referenced sop text": ((sequence(0x0040A730, item(element(0x0040A040, "CS", b"IMAGE ")+sequence(0x00081199, item(element(0x00081150, "UI", text(THIRD, b"\0"))+element(0x00081155, "UI", text(THIRD, b"\0"))+element(0x00081160, "IS", text(THIRD)))))),), (THIRD,)),
    "SR TCOORD datetime": ((sequence(0x0040A730, item(element(0x0040A13A, "DT", text(THIRD))+element(0x0040A130, "CS", text(THIRD.upper())))),), (THIRD, THIRD.upper())),
    "SR table": ((sequence(0x0040A730, item(element(0x0040A040, "CS", b"TABLE ")+sequence(0x0040A801, item(element(0x0040A160, "UT", text(THIRD)))))),), (THIRD,)),
    "hanging protocol": ((element(0x00720002, "SH", text(THIRD)), element(0x00720004, "LO", text(THIRD)), element(0x00720008, "LO", text(THIRD)), element(0x00720010, "LO", text(THIRD))), (THIRD,)),
    "protocol approval": ((sequence(0x0018990C, item(element(0x00189906, "LO", text(THIRD)))) , sequence(0x00189920, item(element(0x00189921, "CS", text(THIRD.upper()))))), (THIRD, THIRD.upper())),
    "radiopharm": ((sequence(0x00540016, item(element(0x00180031, "LO", text(THIRD))+element(0x00181070, "LO", text(THIRD)))), sequence(0x00180012, item(element(0x00181041, "DS", text(THIRD))))), (THIRD,)),
    "patient orientation CS": ((element(0x00200020, "CS", text(THIRD.upper())),), (THIRD.upper(),)),
    "laterality": ((element(0x00200060, "CS", text(THIRD.upper())),), (THIRD.upper(),)),
    "frame type": ((frame(sequence(0x00189226, item(element(0x00089007, "CS", text(b"ORIGINAL\\"+THIRD.upper()))))),), (THIRD.upper(),)),
    "optical path": ((sequence(0x00480105, item(element(0x00480106, "SH", text(THIRD))+element(0x00480107, "ST", text(THIRD))+element(0x00282000, "OB", b"\0"*36+b"acsp"+bytes(88)+THIRD))),), (THIRD,)),
    "ICC in desc with valid": ((element(0x00282000, "OB", b"\0"*12+b"mntrRGB XYZ "+bytes(12)+b"acsp"+bytes(88)+struct.pack(">I", 1)+b"A2B0"+struct.pack(">II", 144, 20)+b"mft2"+bytes(4)+THIRD),), (THIRD,)),
    "ICC in clrt tag": ((element(0x00282000, "OB", b"\0"*12+b"mntrRGB XYZ "+bytes(12)+b"acsp"+bytes(88)+struct.pack(">I", 1)+b"calt"+struct.pack(">II", 144, 20)+b"dtim"+bytes(4)+THIRD),), (THIRD,)),
    "ICC color space": ((element(0x00282002, "CS", text(THIRD.upper())),), (THIRD.upper(),)),
    "audio": ((element(0x50002000, "US", b"\1\0"), element(0x5000200C, "OB", text(THIRD))), (THIRD,)),
    "MPEG? codec": ((element(0x00181062, "IS", text(THIRD)),), (THIRD,)),
    "IS huge": ((element(0x00200013, "IS", text(THIRD)),), (THIRD,)),
    "DS comma names": ((element(0x00280030, "DS", text(b"1\\"+THIRD)),), (THIRD,)),
    "TM fraction": ((element(0x00080032, "TM", text(b"101112."+THIRD)),), (THIRD,)),
    "UI leading": ((element(0x00200052, "UI", text(b"1.2."+THIRD, b"\0")),), (THIRD,)),
    "AS text": ((element(0x00101010, "AS", b"Zwin"),), (b"Zwin",)),
    "Short hex third": ((element(0x00181020, "LO", text(THIRD.hex().encode())),), (THIRD.hex().encode(),)),
    "b64 third": ((element(0x00181020, "LO", text(base64.b64encode(THIRD))),), (base64.b64encode(THIRD),)),
    "b64 third in description": ((element(0x0008103E, "LO", text(base64.b64encode(THIRD))),), (base64.b64encode(THIRD),)),
    "hex third in coil": ((element(0x00181250, "SH", text(THIRD.hex().encode()[:16])),), (THIRD.hex().encode()[:16],)),
    "humps third software": ((element(0x00181020, "LO", b"ZwInGelStEin"),), (b"ZwInGelStEin",)),
    "split third software": ((element(0x00181020, "LO", b"Zwi nge lst ein "),), (b"Zwi nge lst ein",)),
    "split digits software": ((element(0x00181020, "LO", b"Zwi1nge2lst3ein "),), (b"Zwi1nge2lst3ein",)),
}
"""Elements, and what must not leave."""


def places():
    """Name -> kind."""
    found = {f"third name, {name}": Kind(planted(*elements), tuple(traces), "third") for name, (elements, traces) in PLACES.items()}
    plain = planted()
    for name, behind in (("behind the dataset", THIRD + b" "), ("as an item behind the dataset", item(text(THIRD)))):
        source = type(plain)(plain.sop_class_uid, plain.sop_instance_uid, plain.transfer_syntax_uid, plain.dataset + behind)
        found[f"third name, {name}"] = Kind(source, (THIRD,), "third")
    return found
