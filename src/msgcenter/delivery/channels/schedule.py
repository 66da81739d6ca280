"""How the background work of channels is timed and bounded."""

from dataclasses import dataclass, field

from msgcenter.domain.channels.settlement import Retries

_SECOND = 1_000


@dataclass(frozen=True)
class Schedule:
    """Times in ms, and limits of concurrent work.

    `poll`: between looks for due work. `lease`: how long a gateway or a plan waits at most if its process is killed;
    leases are renewed every third of it. `claim`: how long a delivery waits at most if its process is killed while it
    is sent. `start_within`: after a claim, until its deliveries must have been started; `send_timeout`: for one
    attempt. Both together are shorter than `claim`. `linger`: how long a gateway stays open without work.
    `trust_after`: after an outage of the database, ended claims of others are left alone so long, because the processes
    that hold them settle them first.

    `gateways`: gateways that a process works on at once; `plans`: plans. `batch`: deliveries of a claim at most.
    `in_flight`: sends of a gateway at once. `parts`: parts of a plan before other plans get a turn. `backlog`: seconds
    of a gateway's work that may wait before plans pause; at least `smallest_backlog` deliveries.
    """

    poll: int = _SECOND
    lease: int = 6 * _SECOND
    claim: int = 60 * _SECOND
    start_within: int = 10 * _SECOND
    send_timeout: int = 45 * _SECOND
    linger: int = 5 * _SECOND
    trust_after: int = 5 * _SECOND
    gateways: int = 16
    plans: int = 2
    batch: int = 50
    in_flight: int = 8
    parts: int = 20
    backlog: int = 60
    smallest_backlog: int = 1_000
    retries: Retries = field(default_factory=Retries)

    def batch_for(self, rate: float) -> int:
        """Return how many deliveries to claim at once: two seconds of work, so that checks are recent."""
        return max(1, min(self.batch, int(rate * 2)))

    def backlog_for(self, rate: float) -> int:
        """Return how many deliveries may wait before plans pause."""
        return max(self.smallest_backlog, int(rate * self.backlog))
