"""Charging records of 3GPP networks (TS 32.298 in BER), one after the other or in files of TS 32.297."""

from hoeksteen.usage.adapters.threegpp.files import BerRecords, CdrFile

__all__ = ["BerRecords", "CdrFile"]
