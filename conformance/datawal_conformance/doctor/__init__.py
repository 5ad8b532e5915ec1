"""What an adapter does wrong, apart from the implementation it stands before.

Strategy: every operation of every claimed capability is asked for in a request of its own, so that a death, a silence
or a stray line has a name. Whose matter a wrong answer is follows from its form: what the protocol does not allow is
the adapter's, what is well formed and says the wrong thing is the implementation's.
"""

from datawal_conformance.doctor._examination import examine
from datawal_conformance.doctor._finding import ADAPTER, EITHER, IMPLEMENTATION, Finding
from datawal_conformance.doctor._probes import PROBES, Probe

__all__ = ["ADAPTER", "EITHER", "IMPLEMENTATION", "PROBES", "Finding", "Probe", "examine"]
