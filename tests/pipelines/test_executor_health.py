"""Which worker is ill, and when to stop: decisions, without a process."""

from pipelines.executor.actors import Died, Hand
from pipelines.executor.causes import NODE_LOST, OUT_OF_MEMORY, cause_of_death
from pipelines.executor.crew import Crew
from pipelines.executor.health import Call, Failure, Health
from pipelines.executor.loop import _blamed
from pipelines.executor.pools import Policy, Pool
from pipelines.executor.recycling import Recycling, memory_share
from pipelines.executor.slots import Slots
from pipelines.executor.voice import Voice
from pipelines.executor.waiting import shortage
from pipelines.executor.worker import Header, Place, last_words


def call(item, **about):
    return Call(item, "pool", "pool", **about)


def failure(item, cause="CUDA error", **about):
    return Failure(call=call(item, **about), result=f"failed {item}", cause=cause)


def items(calls):
    return [each.call.item if isinstance(each, Failure) else each.item for each in calls]


def test_a_single_failure_is_genuine_once_its_worker_manages_another_item():
    health = Health(8)
    health.managed(0, call("a"))
    assert health.failed(0, failure("b")).release == ()
    assert items(health.managed(0, call("c")).release) == ["b"]


def test_two_in_a_row_raise_the_question_and_a_good_answer_makes_it_rarer():
    health = Health(8)
    health.managed(0, call("good"))
    assert not health.failed(1, failure("a")).probe and health.failed(1, failure("b")).probe and health.good.item == "good"
    assert items(health.probed(1, "").release) == ["a", "b"]
    asked = [health.failed(1, failure(item)).probe for item in "cdef"]
    assert asked == [False, False, False, True]
    health.probed(1, "")
    assert items(health.managed(1, call("g")).release) == []
    assert [health.failed(1, failure(item)).probe for item in "hi"] == [False, True]  # a good item begins anew


def test_a_worker_that_fails_what_another_managed_is_exchanged_and_its_items_made_again():
    health = Health(8)
    health.managed(0, call("good"))
    first = failure("poison")
    health.failed(1, first)
    health.failed(1, failure("victim"))
    decision = health.probed(1, "CUDA error")
    assert decision.exchange and items(decision.again) == ["poison", "victim"] and not decision.release and not decision.stop
    assert first.call.suspect and not decision.again[1].suspect
    assert health.fresh(2).probe and health.probed(2, "") is not None  # the fresh one is asked before it gets work


def test_what_made_two_workers_ill_is_to_blame():
    health = Health(8)
    poison = failure("poison")
    for worker in (1, 2):
        health.managed(0, call("good"))
        health.failed(worker, poison)
        if worker == 1:
            health.failed(1, failure("victim"))
        decision = health.probed(worker, "CUDA error")  # the second time it is asked at once
    assert items(decision.release) == ["poison"] and decision.exchange and not decision.again


def test_a_known_good_item_that_fails_on_three_fresh_workers_ends_the_run():
    health = Health(8)
    health.managed(0, call("good"))
    health.failed(0, failure("a"))
    health.failed(0, failure("b"))
    stops = [health.probed(0, "no device").stop]
    for worker in (1, 2):
        assert health.fresh(worker).probe
        stops.append(health.probed(worker, "no device").stop)
    assert stops == ["", "", "no device"]


def test_where_nothing_was_managed_workers_are_exchanged_and_one_cause_for_many_ends_the_run():
    health, again, exchanged, worker = Health(6), [], 0, 0
    for item in range(6):
        decision = health.failed(worker, failure(item))
        again += decision.again
        exchanged += decision.exchange
        worker += decision.exchange
    assert decision.stop == "CUDA error" and exchanged == 2 and items(again) == [0, 1, 2, 3] and items(decision.release) == [4, 5]


def test_where_nothing_was_managed_an_item_that_fails_on_a_second_worker_is_believed():
    health = Health(8)
    tried = failure("a")
    health.failed(0, tried)
    health.failed(0, failure("b"))
    assert items(health.failed(1, tried).release) == ["a"]


def test_without_a_limit_failures_alike_are_believed_after_three_workers():
    health, released, worker = Health(None), [], 0
    for item in range(20):
        decision = health.failed(worker, failure(item))
        worker += decision.exchange
        released += decision.release
    assert worker == 2 and not decision.stop and items(released) == list(range(4, 20))


def test_the_last_failures_are_asked_about_or_believed():
    health = Health(8)
    health.failed(0, failure("a"))
    assert items(health.idle(0).release) == ["a"] and not health.idle(0).release
    health.managed(0, call("good"))
    health.failed(0, failure("b"))
    assert health.idle(0).probe and not health.idle(0).probe


def test_deaths_alike_end_a_run_without_results_and_ask_a_fresh_worker_otherwise():
    health = Health(3)
    assert [health.lost(worker, call(worker), "SIGSEGV").stop for worker in range(3)] == ["", "", "SIGSEGV"]
    health = Health(3)
    health.managed(9, call("good"))
    assert not any(health.lost(worker, call(worker), "SIGSEGV").stop for worker in range(3))
    assert health.fresh(4).probe and not health.fresh(5).probe
    assert [health.probed(4, "SIGSEGV").stop, health.fresh(5).probe] == ["", True]


def test_what_a_worker_held_when_it_died_is_made_again():
    health = Health(8)
    health.managed(0, call("good"))
    health.failed(1, failure("a"))
    assert items(health.lost(1, call("b"), "SIGKILL").again) == ["a"]


def test_nothing_is_asked_with_no_good_item():
    health = Health(8)
    health.managed(0, call("good"))
    assert items(health.no_answer(0).release) == []
    health.failed(0, failure("a"))
    assert not health.failed(0, failure("b")).probe and items(health.idle(0).release) == ["a", "b"]


def test_a_run_is_not_stopped_while_another_worker_may_go_on():
    health, stops = Health(8), []
    health.managed(9, call("good"))
    for worker, hopeless in ((1, False), (2, False), (3, False), (4, True)):
        health.failed(worker, failure(worker))
        decision = health.probed(worker, "no device", hopeless)
        stops.append(decision.stop)
        assert hopeless or items(decision.again) == [worker]
    assert stops == ["", "", "", "no device"]


def test_a_place_in_which_every_worker_falls_ill_is_given_up():
    slots = Slots(2)
    assert slots.free({1}) == [0] and not slots.is_doubted(0)
    assert [slots.fell_ill(0, "node") for _ in range(2)] == [False, False] and slots.is_doubted(0) and not slots.are_hopeless
    slots.managed(0)
    assert [slots.fell_ill(0, node) for node in ("node", "other", "other", "other")] == [False, False, False, True]
    assert slots.free(set()) == [1] and not slots.are_given_up and not slots.fell_ill(1, "node") and slots.are_hopeless


def test_a_place_whose_workers_die_is_doubted_until_one_manages():
    slots = Slots(1)
    slots.died(0)
    assert not slots.is_doubted(0)
    slots.died(0)
    assert slots.is_doubted(0) and not slots.are_hopeless
    slots.managed(0)
    assert not slots.is_doubted(0)


def test_a_run_whose_last_place_is_given_up_ends():
    pool, told, stops = Pool(name="pool", workers=2, make_worker=list), [], []
    voice = Voice("test", Policy(), lambda kind, **fields: told.append(kind))
    crew = Crew([pool], Policy(), stock=None, voice=voice, hands=None)
    for slot in (0, 0, 0, 1, 1, 1):
        crew._doubt(Hand(number=0, pool=pool, slot=slot, actor=None, answer=None, since_s=0.0), "SIGKILL")
        stops.append(crew.stop)
    assert stops == [*[""] * 5, "SIGKILL"] and told == ["given_up"] * 2


def test_the_call_that_ran_is_to_blame():
    def blamed(begun, done):
        hand = Hand(number=0, pool=None, slot=0, actor=None, answer=None, since_s=0.0, done=done)
        return items(_blamed(hand, Died("SIGKILL", "", begun), [call("a"), call("b")]))

    assert blamed(None, 4) == ["a", "b"] and blamed(0, 0) == ["a", "b"]
    assert (blamed(4, 4), blamed(5, 4), blamed(6, 4)) == ([], ["a"], ["b"])


def test_causes_of_death_are_few_words(tmp_path):
    generic = "Worker exit type: SYSTEM_ERROR ... (1) killed by the OOM killer due to high memory usage ... to prevent node deaths"
    assert cause_of_death("ActorDiedError", generic, "x\nFatal Python error: Segmentation fault\n") == "SIGSEGV"
    modules = f"Fatal Python error: Segmentation fault\n\nExtension modules: {', '.join(f'module{n}' for n in range(900))}\n"
    assert cause_of_death("ActorDiedError", generic, modules) == "SIGSEGV"
    (tmp_path / "worker.err").write_text("x" * 100_000 + modules)
    assert cause_of_death("ActorDiedError", generic, last_words(str(tmp_path / "worker.err"))[1]) == "SIGSEGV"
    assert cause_of_death("ActorDiedError", generic, "") == "killed, or ended by os._exit"
    assert cause_of_death("ActorDiedError", "Worker exits with an exit code 4.", "") == "exit code 4"
    assert cause_of_death("OutOfMemoryError", "killed", "") == OUT_OF_MEMORY
    assert cause_of_death("ActorDiedError", "The actor died because its node has died. Node Id: 1", "") == NODE_LOST


def test_the_share_of_memory_leaves_what_others_use(monkeypatch):
    monkeypatch.setenv("RAY_memory_usage_threshold", "0.9")
    assert memory_share(100, 10, 2) == 0.8 * 80 / 2 and memory_share(0, 0, 2) == float("inf") and memory_share(100, 95, 2) == 0


def test_workers_are_recycled_by_what_they_have_grown_to():
    hand = Hand(number=0, pool=None, slot=0, actor=None, answer=None, since_s=0.0, place=Place("node", 1, "", 0, 0))
    large = Recycling(Policy(memory_b=100), 1)
    assert [large.is_due(hand, Header(None, "", rss_b, 0.0)) for rss_b in (110, 120, 90, 140)] == [False, False, False, True]


def test_a_shortage_says_what_was_asked_and_what_there_is():
    pool = Pool(name="teacher", workers=4, make_worker=list, cpus=1, gpus=0.5)
    said = "pool teacher: asked 4 workers of 1 CPU and 0.5 GPU, the cluster has 2 CPU, 1 GPU: 2 wait"
    assert shortage(pool, 2, {"CPU": 2.0, "GPU": 1.0}) == said
