from edge.hub import tokens


def devices(operator):
    return {d["name"]: d for d in operator.call("GET", "/v1/devices").json()["devices"]}


def test_a_name_that_not_every_database_holds(device, operator):
    for _ in range(2):
        assert device.beat(device="a\0b").json()["quarantined"] is None
    (pi,) = operator.call("GET", "/v1/devices").json()["devices"]
    assert pi["heartbeat"]["device"] == "a\ufffdb"


def test_a_heartbeat_is_answered_and_remembered(world, device, operator):
    assert devices(operator)["pi"]["state"] == "never seen"
    got = device.beat(state="cooling", spooled=3)
    assert (got.status_code, got.json()) == (200, {"poll_s": 10.0, "quarantined": None})
    found = devices(operator)["pi"]
    assert (found["state"], found["last_seen"]) == ("cooling", "2026-03-01T12:00:00+00:00")
    assert (found["heartbeat"]["spooled"], found["heartbeat"]["temperature_c"]) == (3, 51.3)


def test_a_device_that_says_nothing_is_away(world, device, operator):
    device.beat()
    world.passes(seconds=120)
    assert devices(operator)["pi"]["state"] == "idle"
    world.passes(seconds=1)
    assert devices(operator)["pi"]["state"] == "away"


def test_the_hub_decides_how_often_it_is_called(world, device):
    world.restart(poll_s=2.5)
    assert device.beat().json()["poll_s"] == 2.5


def test_a_device_s_clock_does_not_matter(device, operator):
    device.beat(wall_time="1970-01-01T00:00:12+00:00", clock_synchronised=False)
    assert devices(operator)["pi"]["last_seen"] == "2026-03-01T12:00:00+00:00"


def quarantined(device, *beats):
    return [
        device.beat(boot_id=boot_id, uptime_s=uptime_s).json()["quarantined"] is not None
        for boot_id, uptime_s in beats
    ]


def test_a_clone_puts_both_in_quarantine(device, operator, make):
    operator.put(b"one")
    order = make.order(b"one")
    operator.order(order)
    found = quarantined(device, ("a", 100), ("b", 100), ("a", 110), ("b", 110))
    assert found == [False, False, True, True]
    said = device.beat(boot_id="a", uptime_s=120).json()["quarantined"]
    assert "boot ids b and a" in said
    assert "facet hub add-device pi --rotate" in said
    assert devices(operator)["pi"]["state"] == "quarantined"
    assert device.call("GET", "/v1/orders").json() == {"orders": []}


def test_what_a_clone_reports_is_kept_but_does_not_count(world, device, operator, make):
    operator.put(b"one")
    order = make.order(b"one")
    operator.order(order)
    quarantined(device, ("a", 100), ("b", 100), ("a", 110))
    assert device.report(make.report(order)).json()["new"] == 1
    assert operator.records() == []
    device.token = tokens.add(world.hub, "device", "pi", rotate=True)
    assert quarantined(device, ("b", 120), ("b", 130)) == [False, False]
    assert len(device.call("GET", "/v1/orders").json()["orders"]) == 1
    device.report(make.report(order, 7))
    assert len(operator.records()) == 1


def test_a_token_that_another_device_uses_is_in_quarantine_until_it_is_rotated(
    world, device, operator, make
):
    device.beat(device="Pi 4")
    operator.put(b"one")
    operator.order(make.order(b"one"))
    said = device.beat(device="Pi 5").json()["quarantined"]
    assert "is that of 'Pi 4', and 'Pi 5' uses it" in said
    assert "facet hub add-device pi --rotate" in said
    assert device.call("GET", "/v1/orders").json() == {"orders": []}
    device.token = tokens.add(world.hub, "device", "pi", rotate=True)
    assert device.beat(device="Pi 5").json()["quarantined"] is None
    assert len(device.call("GET", "/v1/orders").json()["orders"]) == 1
    assert device.beat(device="Pi 4").json()["quarantined"] is not None


def test_reboots_are_no_clone(device):
    assert not any(quarantined(device, *((f"boot-{n}", 10.0) for n in range(40))))


def test_a_heartbeat_that_arrives_late_or_twice_is_no_clone(device):
    found = quarantined(device, ("a", 10), ("a", 20), ("b", 5), ("a", 20), ("a", 10), ("b", 6))
    assert found == [False] * 6


def test_what_was_under_way_when_the_power_was_cut_is_no_clone(world, device):
    """Sent 30 s after the heartbeat before it and 10 s before the next boot, it arrives last."""
    assert quarantined(device, ("a", 1000)) == [False]
    world.passes(seconds=60)
    assert quarantined(device, ("b", 20), ("a", 1030), ("b", 21)) == [False] * 3


def test_two_boots_at_the_same_time_are_two_machines(world, device):
    assert quarantined(device, ("a", 1000)) == [False]
    world.passes(seconds=60)
    assert quarantined(device, ("b", 20), ("a", 1050)) == [False, False]  # within the 10 s of slack
    assert quarantined(device, ("a", 1051)) == [True]  # 11 s after b began


def test_a_heartbeat_that_took_long_makes_no_boot_younger(world, device):
    quarantined(device, ("a", 1000))
    world.passes(seconds=30)
    quarantined(device, ("a", 1010))  # 20 s on its way
    world.passes(seconds=30)
    assert quarantined(device, ("b", 20), ("a", 1049)) == [False, False]


def test_a_report_from_before_the_reboot_is_no_clone(device, make):
    quarantined(device, ("a", 10), ("b", 5))
    from edge.hub_api import Report

    record = make.record(make.subject("a" * 64))
    assert device.report(Report(boot_id="a", records=(record,))).status_code == 200
    assert quarantined(device, ("b", 6)) == [False]


def test_quarantine_outlives_a_restart(world, device, operator):
    quarantined(device, ("a", 100), ("b", 100))
    world.restart()
    assert quarantined(device, ("a", 110)) == [True]
    world.restart()
    assert quarantined(device, ("a", 120)) == [True]


def test_a_heartbeat_that_is_none(device):
    for changed in (
        {"boot_id": ""},
        {"boot_id": "a b"},
        {"boot_id": "<script>"},
        {"boot_id": None},
        {"uptime_s": -1},
        {"state": "bored"},
        {"spooled": -1},
        {"spooled": 2**60},
        {"temperature_c": 1e9},
        {"device": "x" * 301},
        {"more": 1},
        {"targets": [{}]},
    ):
        assert device.beat(**changed).status_code == 422, changed
