"""Lattice, cuts and as-rigid-as-possible deformation by closed forms; bounds on folds and stretches; draw order; what painting keeps."""

from __future__ import annotations

import numpy as np
import pytest

from models.baselines.weightless.puppet.arap import Arap, prepare
from models.baselines.weightless.puppet.draw_order import draw_orders
from models.baselines.weightless.puppet.mesh import Mesh, cut_contacts, lattice, located, nearest_bone, stretches
from models.baselines.weightless.puppet.paint import MAX_STRETCH, Puppet, textured
from models.baselines.weightless.puppet.rig import Rig, rig_of, smoothed
from models.pose.skeleton import JOINTS


def box(width: int = 60, height: int = 24, margin: int = 6) -> np.ndarray:
    mask = np.zeros((height + 2 * margin, width + 2 * margin), bool)
    mask[margin:-margin, margin:-margin] = True
    return mask


def bar(most: int = 150) -> tuple[Mesh, Arap, np.ndarray]:
    """A bar held along its middle."""
    mesh = lattice(box(), most)
    handles = np.linspace(10 + 18j, 62 + 18j, 9)
    return mesh, prepare(mesh, *located(mesh, handles)), handles


@pytest.mark.parametrize("most", [40, 150, 600])
def test_a_lattice_covers_the_mask_with_equal_triangles_and_keeps_to_its_budget(most: int) -> None:
    mask = box()
    mask[:, 30:34] = False
    mesh = lattice(mask, most)
    y, x = np.nonzero(mask)
    assert len(mesh.points) <= most and (located(mesh, x + 1j * y)[0] >= 0).all()
    sides = np.abs(mesh.corners - mesh.corners[:, [1, 2, 0]])
    assert np.allclose(sides, sides[0, 0])
    turns = (np.conj(mesh.corners[:, 1] - mesh.corners[:, 0]) * (mesh.corners[:, 2] - mesh.corners[:, 0])).imag
    assert (turns > 0).all()


def test_the_energy_of_rigid_motion_is_nothing_and_that_of_scaling_is_the_closed_form() -> None:
    mesh, arap, _ = bar()
    assert arap.energy(np.exp(2.1j) * mesh.points + 40 - 7j) == pytest.approx(0, abs=1e-18)
    area = (np.conj(mesh.corners[:, 1] - mesh.corners[:, 0]) * (mesh.corners[:, 2] - mesh.corners[:, 0])).imag.sum() / 2
    assert arap.energy(1.5 * mesh.points) == pytest.approx(0.5**2 * 2 * area)  # (s - 1)^2 * sum of w |e|^2, which is twice the area
    assert arap.energy(mesh.points.real * 1.2 + 1j * mesh.points.imag) == pytest.approx(
        0.04 * area, rel=1e-6
    )  # both singular values - 1, the turn 1


def test_handles_that_move_rigidly_carry_the_mesh_rigidly() -> None:
    mesh, arap, handles = bar()
    turn, way = np.exp(0.8j), 30 + 5j
    moved = arap.solve(turn * handles + way, turn * mesh.points + way)
    assert np.abs(moved - (turn * mesh.points + way)).max() < 1e-9


def test_more_passes_lower_the_energy_and_the_solution_is_a_minimum() -> None:
    mesh, arap, handles = bar()
    targets = handles + 1j * np.abs(handles.real - 36) / 3
    energies = [arap.energy(arap.solve(targets, mesh.points, passes=n)) for n in (1, 4, 16, 64)]
    assert energies[0] > energies[1] > energies[2] >= energies[3] * (1 - 1e-9) > 0
    best = arap.solve(targets, mesh.points, passes=200)
    assert np.abs(arap.handles @ best - targets).max() < 0.5
    assert np.abs(arap.solve(targets, best, passes=1) - best).max() < 2e-2


@pytest.mark.parametrize("degrees", [-150, -90, 60, 120])
def test_a_bent_bar_does_not_fold_and_does_not_explode(degrees: float) -> None:
    mesh, arap, handles = bar()
    turn = np.exp(1j * np.deg2rad(degrees))

    def bent(points: np.ndarray) -> np.ndarray:
        return np.where(points.real > 36, 36 + 18j + turn * (points - 36 - 18j), points)

    moved = arap.solve(bent(handles), bent(mesh.points))
    most, least = stretches(mesh.corners, moved[mesh.triangles])
    assert np.abs(moved - (36 + 18j)).max() < 1.2 * np.abs(mesh.points - (36 + 18j)).max()
    assert most.max() < MAX_STRETCH and (least < 0).mean() < 0.12


def test_stretches_are_singular_values_and_a_mirrored_triangle_is_a_fold() -> None:
    rest = np.array([[0, 1, 1j]])
    for matrix in np.random.default_rng(0).normal(size=(5, 2, 2)):
        moved = (rest.real * matrix[0, 0] + rest.imag * matrix[0, 1]) + 1j * (rest.real * matrix[1, 0] + rest.imag * matrix[1, 1])
        most, least = stretches(rest, moved + 3)
        wanted = np.linalg.svd(matrix, compute_uv=False)
        assert most[0] == pytest.approx(wanted[0]) and least[0] == pytest.approx(wanted[1] * np.sign(np.linalg.det(matrix)))


def test_a_hand_on_a_hip_hangs_on_its_arm_and_comes_off() -> None:
    """A column and a bow beside it that starts at its top and touches it again at its foot."""
    mask = np.zeros((80, 60), bool)
    mask[5:75, 5:20] = mask[5:15, 5:50] = mask[5:60, 40:50] = mask[50:60, 20:50] = True
    mesh = lattice(mask, 500)
    trunk, arm = (
        12 + 1j * np.arange(8, 72, 4.0),
        np.concatenate([np.arange(24, 46, 4) + 10j, 45 + 1j * np.arange(10, 56, 4), np.arange(45, 22, -4) + 55j]),
    )
    seeds, bones = np.concatenate([trunk, arm]), np.repeat([0, 1], [len(trunk), len(arm)])
    owner = nearest_bone(mesh, seeds, bones)
    cut, owners, of_triangle = cut_contacts(mesh, owner, lambda one, other: one != other)
    assert len(cut.triangles) == len(mesh.triangles) and len(cut.points) > len(mesh.points)
    assert (owners[cut.triangles] == of_triangle[:, None]).all() and set(of_triangle) == {0, 1}
    whole, same, _ = cut_contacts(mesh, owner, lambda one, other: False)
    assert len(whole.points) == len(mesh.points) and np.array_equal(np.sort(same), np.sort(owner))


def test_pieces_that_hold_no_bone_go_with_the_nearest_one() -> None:
    mask = box()
    mask[:, 40:50] = False
    mesh = lattice(mask, 150)
    owner = nearest_bone(mesh, np.array([10 + 18j]), np.array([3]))
    assert (owner == 3).all()
    arap = prepare(mesh, *located(mesh, np.array([10 + 18j, 20 + 18j])))
    moved = arap.solve(np.array([10 + 28j, 20 + 28j]), mesh.points + 10j)
    assert np.abs(moved - mesh.points - 10j).max() < 1e-6


def everyone() -> dict[str, complex]:
    at = {"shoulder": 20j, "elbow": 20j, "wrist": 20j, "hip": 60j, "knee": 80j, "ankle": 99j}
    reach = {"shoulder": 10, "elbow": 25, "wrist": 40, "hip": 8, "knee": 9, "ankle": 9}
    sides = {"left": 1, "right": -1}
    return {f"{side}_{part}": 50 + sign * reach[part] + place for side, sign in sides.items() for part, place in at.items()} | {
        "head": 50 + 5j
    }


def parts(rig: Rig, order: list[int]) -> list[str]:
    return list(dict.fromkeys(rig.bones[k].part for k in order))


def test_limbs_are_painted_by_depth_where_it_is_known() -> None:
    rig = rig_of(everyone(), "x")
    sure, depth = np.ones((20, len(rig.bones))), np.zeros((20, 17), np.float32)
    plain = draw_orders(rig, sure, None, 10.0)[0]
    assert sorted(plain) == list(range(len(rig.bones))) and rig.bones[plain[4]].part == "trunk" and "arm" in rig.bones[plain[-1]].name
    depth[10:, [JOINTS.index("left_elbow"), JOINTS.index("left_wrist")]] = -1
    orders = draw_orders(rig, sure, depth, 10.0)
    assert parts(rig, orders[0]).index("left_arm") > parts(rig, orders[0]).index("trunk") > parts(rig, orders[-1]).index("left_arm")
    assert sum(one != other for one, other in zip(orders, orders[1:])) == 1


def test_without_depth_a_limb_seen_badly_is_behind_and_one_frame_changes_nothing() -> None:
    rig = rig_of(everyone(), "x")
    sure = np.ones((20, len(rig.bones)))
    arm = [k for k, bone in enumerate(rig.bones) if bone.part == "right_arm"]
    sure[7, arm] = 0
    assert len({tuple(order) for order in draw_orders(rig, sure, None, 10.0)}) == 1
    sure[:, arm] = 0.3
    limbs = parts(rig, draw_orders(rig, sure, None, 10.0)[0])
    assert limbs.index("right_arm") < limbs.index("trunk") < limbs.index("left_arm")


def test_painting_keeps_to_the_mask_and_leaves_out_what_is_torn() -> None:
    mask = box()
    mesh = lattice(mask, 150)
    picture = np.where(mask[..., None], np.uint8((200, 30, 30)), np.uint8(255))
    puppet = Puppet(texture=textured(picture, mask), corners=mesh.corners, layer=np.zeros(len(mesh.triangles), int))
    paper = np.full((60, 100, 3), 90, np.uint8)
    shown = puppet.over(paper, mesh.corners + 20 + 10j, [0])
    inside = np.zeros((60, 100), bool)
    inside[17 : 15 + 24 + 1 - 1, 28:84] = True
    assert np.abs(shown[17:38, 28:84].astype(int) - (200, 30, 30)).max() <= 1
    far = shown.copy()
    far[14:42, 24:88] = 90
    assert (far == 90).all()
    assert np.array_equal(puppet.over(paper, mesh.corners * (MAX_STRETCH + 1), [0]), paper)
    assert np.array_equal(puppet.over(paper, mesh.corners + 1e7, [0]), paper) and np.array_equal(
        puppet.over(paper, mesh.corners * 0, [0]), paper
    )


def test_smoothing_keeps_a_constant_and_spreads_a_jump_evenly() -> None:
    values = np.zeros(31)
    values[15] = 1
    spread = smoothed(values, 2.0)
    assert spread.sum() == pytest.approx(1) and np.allclose(spread, spread[::-1]) and spread.argmax() == 15
    assert np.array_equal(smoothed(values, 0.0), values)
