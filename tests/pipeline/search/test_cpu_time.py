from pipeline.search.cpu_time import CpuTime


def test_every_phase_gets_what_was_used_since_the_last_lap():
    readings = iter([10.0, 12.0, 15.0, 15.5, 100.0, 101.0])
    cpu = CpuTime(clock=lambda: next(readings))
    cpu.lap("warm_up")
    cpu.lap("joint")
    cpu.lap("joint")
    assert cpu.spent_s == {"warm_up": 2.0, "joint": 3.5}
    cpu.restore({"warm_up": 7.0})
    cpu.lap("joint")
    assert cpu.spent_s == {"warm_up": 7.0, "joint": 1.0}
