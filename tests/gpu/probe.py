"""probe.py: what orrery's plans for a GPU rest on, measured without orrery: rates of products and copies, whether the same
product has the same bits again and equal rows equal results, whether sums of integers are exact. DEV=cpu: a try-out at
small sizes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import torch

DEVICE = os.environ.get("DEV", "cuda")
ON_GPU = DEVICE == "cuda"
WIDTH = 4096 if ON_GPU else 256
INNER = 7 * WIDTH // 2


def synchronise() -> None:
    if ON_GPU:
        torch.cuda.synchronize()


def seconds(work: Callable[[], object], times: int = 10) -> float:
    """The median, once it has run."""
    work()
    taken = []
    for _ in range(times if ON_GPU else 1):
        synchronise()
        begun = time.perf_counter()
        work()
        synchronise()
        taken.append(time.perf_counter() - begun)
    return sorted(taken)[len(taken) // 2]


def say(*words: object) -> None:
    print(*words, flush=True)


def normal(*shape: int, dtype: torch.dtype = torch.bfloat16) -> torch.Tensor:
    return torch.randn(*shape, device=DEVICE, dtype=dtype)


def products() -> None:
    """Rates by rows; the same bits again; equal rows equal; on how many counts of rows a row's result depends."""
    settings = torch.backends.cuda.matmul
    settings.allow_tf32 = False
    settings.allow_bf16_reduced_precision_reduction = (False, False)
    try:
        normal(64, WIDTH) @ normal(WIDTH, WIDTH)
        say("products: sums that must not be split are taken by the default library")
    except RuntimeError as error:
        say("products: sums that must not be split are refused:", str(error)[:140])
    for library, split in (("cublas", True), ("cublaslt", False)):
        settings.allow_bf16_reduced_precision_reduction = (False, split)
        if ON_GPU:
            torch.backends.cuda.preferred_blas_library(library)
        for out, inner in ((3 * WIDTH // 2, WIDTH), (WIDTH, WIDTH), (2 * INNER, WIDTH), (WIDTH, INNER)):
            weight, row, kinds, line = normal(out, inner), normal(1, inner), set(), []
            for count in (16, 128, 512, 1024, 4096, 8192):
                x = normal(count, inner)
                rate = 2 * count * out * inner / seconds(lambda: x @ weight.t()) / 1e12
                first = x @ weight.t()
                equal = row.expand(count, inner).contiguous() @ weight.t()
                kinds.add(tuple(equal[0].tolist()))
                again = all(torch.equal(first, x @ weight.t()) for _ in range(5))
                faults = ("" if again else " DIFFERS") + ("" if (equal == equal[0]).all() else " ROWS")
                line.append(f"{count}: {rate:.0f}{faults}")
            say("products", library, (out, inner), "TFLOP/s", *line, "kinds of bits:", len(kinds))
    q, k = torch.randn(32, 512, 128, device=DEVICE), torch.randn(32, 128, 128, device=DEVICE)
    say(f"attention in float32: {32 * 512 * 128 * 128 * 2 / seconds(lambda: torch.bmm(q, k)) / 1e12:.1f} TFLOP/s")
    for count in (101, 261):
        x, c = normal(1, WIDTH, dtype=torch.double).expand(count, WIDTH).contiguous(), normal(WIDTH, 8, dtype=torch.double)
        results = (x @ c, x.mv(x[0]), torch.linalg.vector_norm(x, dim=-1), x.sum(-1))
        say(count, "equal rows in float64, by mm, mv, norm, sum:", [bool((one == one[0]).all()) for one in results])


def exact_sums() -> None:
    x = torch.randint(-(2**21), 2**21, (512, WIDTH), device=DEVICE)
    p = x.double()
    gram = p.t() @ p
    exact = torch.equal(gram[:64].long().cpu(), x[:, :64].cpu().t() @ x.cpu())
    say("products of integers in float64 are exact:", exact,
        f"{2 * 512 * WIDTH * WIDTH / seconds(lambda: p.t() @ p) / 1e12:.1f} TFLOP/s")  # fmt: skip
    sums = torch.zeros(WIDTH, WIDTH, dtype=torch.long, device=DEVICE)
    say(f"adding to int64: {WIDTH * WIDTH * 40 / seconds(lambda: sums.add_(gram.to(torch.long))) / 1e9:.0f} GB/s")
    digits = torch.randint(-64, 64, (WIDTH, WIDTH), device=DEVICE, dtype=torch.int8)
    say(f"int8: {2 * WIDTH**3 / seconds(lambda: torch._int_mm(digits, digits.t())) / 1e12:.0f} TOP/s")


def copies() -> None:
    for size in (1 << 16, 1 << 20, 1 << 26, 436 << 20):
        there, line = torch.empty(size, dtype=torch.uint8, device=DEVICE), []
        for here in (torch.empty(size, dtype=torch.uint8), torch.empty(size, dtype=torch.uint8, pin_memory=ON_GPU)):
            line += [f"{size / seconds(lambda: here.copy_(there)) / 1e9:.1f}",
                     f"{size / seconds(lambda: there.copy_(here)) / 1e9:.1f}"]  # fmt: skip
        say(size, "bytes, GB/s to the host, to the device, pageable then pinned:", *line)
    few = torch.zeros(16, device=DEVICE)

    def chain() -> None:
        for _ in range(1000):
            few.add_(1)

    say(f"a launch: {seconds(chain, 3) * 1e3:.1f} us; a number to the host: {seconds(few[0].item, 200) * 1e6:.1f} us")


def eigenproblems() -> None:
    rows = normal(1000, WIDTH, dtype=torch.double)
    small = rows @ rows.t()
    large = rows.t() @ rows + torch.eye(WIDTH, device=DEVICE, dtype=torch.double)
    for name, work in (("eigh of 1000", lambda: torch.linalg.eigh(small)[1]),
                       (f"eigh of {WIDTH}", lambda: torch.linalg.eigh(large)[1]),
                       (f"QR of {WIDTH}", lambda: torch.linalg.qr(large)[0])):  # fmt: skip
        one = work()
        say(name, f"{seconds(work, 2):.3f} s, the same bits again: {torch.equal(one, work())}")


if ON_GPU:
    say(torch.__version__, torch.cuda.get_device_properties(0), torch.cuda.mem_get_info(), os.cpu_count())
products()
exact_sums()
copies()
eigenproblems()
