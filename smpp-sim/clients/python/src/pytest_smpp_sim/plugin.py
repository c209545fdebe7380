"""The fixture ``smpp_sim``, and the mark that chooses its scenario."""

from __future__ import annotations

from typing import Iterator

import pytest

from pytest_smpp_sim import SmppSim


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "smpp_sim(scenario='healthy', *, seed, time_scale, arguments): how the fixture smpp_sim starts the simulator"
    )


@pytest.fixture
def smpp_sim(request: pytest.FixtureRequest) -> Iterator[SmppSim]:
    """A simulator of the test's own, under the scenario of the mark ``smpp_sim``, or a healthy one."""
    mark = request.node.get_closest_marker("smpp_sim")
    with SmppSim(*(mark.args if mark else ()), **(mark.kwargs if mark else {})) as simulator:
        yield simulator
