"""After an installation nobody waits for the compiler."""

from geo import density_kernel, kde_kernel, place_kernel
from pipelines.warm import warm


def test_every_kernel_is_compiled_once_and_for_all():
    warm()
    # Those with a low line are compiled as parts of the ones that call them.
    public = {
        f"{module.__name__}.{name}": value.signatures
        for module in (density_kernel, kde_kernel, place_kernel)
        for name, value in vars(module).items()
        if hasattr(value, "signatures") and not name.startswith("_")
    }
    assert len(public) > 3
    assert [name for name, signatures in public.items() if not signatures] == []
