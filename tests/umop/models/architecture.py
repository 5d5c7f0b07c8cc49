"""The names and shapes of the published models' weights, written from their architecture."""

from __future__ import annotations

Shapes = dict[str, tuple[int, ...]]
BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
PLANES = (64, 128, 256, 512)


def weighted(name: str, *shape: int, bias: int | None = None) -> Shapes:
    """A layer's weight, and its bias of so many elements."""
    return {f"{name}.weight": shape} | ({f"{name}.bias": (bias,)} if bias else {})


def batch_norm(name: str, channels: int) -> Shapes:
    statistics = {f"{name}.running_mean": (channels,), f"{name}.running_var": (channels,)}
    return (
        weighted(name, channels, bias=channels) | statistics | {f"{name}.num_batches_tracked": ()}
    )


def spatial(name: str, channels: int, groups: int, deformable: bool) -> Shapes:
    """A 3×3 convolution; DCNv2 predicts 2 offsets and a mask for each of its 9 samples."""
    offsets = weighted(f"{name}.conv_offset", 27, channels, 3, 3, bias=27) if deformable else {}
    return weighted(name, channels, channels // groups, 3, 3) | offsets


def resnet(depth: int, deformable: bool = False, groups: int = 1, base_width: int = 64) -> Shapes:
    """A ResNet or a ResNeXt."""
    shapes = weighted("conv1", 64, 3, 7, 7) | batch_norm("bn1", 64)
    before = 64
    for stage, (planes, blocks) in enumerate(zip(PLANES, BLOCKS[depth], strict=True), start=1):
        width, after = planes * base_width // 64 * groups, 4 * planes
        for block in range(blocks):
            name = f"layer{stage}.{block}"
            shapes |= weighted(f"{name}.conv1", width, before, 1, 1)
            shapes |= spatial(f"{name}.conv2", width, groups, deformable and stage > 1)
            shapes |= weighted(f"{name}.conv3", after, width, 1, 1)
            for number, channels in enumerate((width, width, after), start=1):
                shapes |= batch_norm(f"{name}.bn{number}", channels)
            if block == 0:
                shapes |= weighted(f"{name}.downsample.0", after, before, 1, 1)
                shapes |= batch_norm(f"{name}.downsample.1", after)
            before = after
    return shapes


def res2net(depth: int, scales: int = 4, base_width: int = 26) -> Shapes:
    """A Res2Net v1d with deformable convolutions from the second stage on."""
    shapes: Shapes = {}
    for number, (before, after) in enumerate([(3, 32), (32, 32), (32, 64)]):
        shapes |= weighted(f"stem.{3 * number}", after, before, 3, 3)
        shapes |= batch_norm(f"stem.{3 * number + 1}", after)
    before = 64
    for stage, (planes, blocks) in enumerate(zip(PLANES, BLOCKS[depth], strict=True), start=1):
        width, after = planes * base_width // 64, 4 * planes
        for block in range(blocks):
            name = f"layer{stage}.{block}"
            shapes |= weighted(f"{name}.conv1", scales * width, before, 1, 1)
            shapes |= batch_norm(f"{name}.bn1", scales * width)
            for part in range(scales - 1):
                shapes |= spatial(f"{name}.convs.{part}", width, 1, stage > 1)
                shapes |= batch_norm(f"{name}.bns.{part}", width)
            shapes |= weighted(f"{name}.conv3", after, scales * width, 1, 1)
            shapes |= batch_norm(f"{name}.bn3", after)
            if block == 0:
                shapes |= weighted(f"{name}.downsample.1", after, before, 1, 1)
                shapes |= batch_norm(f"{name}.downsample.2", after)
            before = after
    return shapes


def swin(channels: int, heads: tuple[int, ...], depths: tuple[int, ...] = (2, 2, 18, 2)) -> Shapes:
    """A Swin Transformer by mmdet's names, windows of 7×7."""
    shapes = weighted("patch_embed.projection", channels, 3, 4, 4, bias=channels)
    shapes |= weighted("patch_embed.norm", channels, bias=channels)
    for stage, depth in enumerate(depths):
        c = channels * 2**stage
        for block in range(depth):
            name = f"stages.{stage}.blocks.{block}"
            shapes |= weighted(f"{name}.norm1", c, bias=c)
            shapes |= weighted(f"{name}.norm2", c, bias=c)
            shapes[f"{name}.attn.w_msa.relative_position_bias_table"] = (13 * 13, heads[stage])
            shapes[f"{name}.attn.w_msa.relative_position_index"] = (49, 49)
            shapes |= weighted(f"{name}.attn.w_msa.qkv", 3 * c, c, bias=3 * c)
            shapes |= weighted(f"{name}.attn.w_msa.proj", c, c, bias=c)
            shapes |= weighted(f"{name}.ffn.layers.0.0", 4 * c, c, bias=4 * c)
            shapes |= weighted(f"{name}.ffn.layers.1", c, 4 * c, bias=c)
        if stage < 3:
            shapes |= weighted(f"stages.{stage}.downsample.reduction", 2 * c, 4 * c)
            shapes |= weighted(f"stages.{stage}.downsample.norm", 4 * c, bias=4 * c)
        shapes |= weighted(f"norm{stage}", c, bias=c)
    return shapes


def fpn(channels: tuple[int, ...]) -> Shapes:
    """P3 to P7 from C3, C4 and C5."""
    shapes: Shapes = {}
    for level, before in enumerate(channels):
        shapes |= weighted(f"lateral_convs.{level}.conv", 256, before, 1, 1, bias=256)
    for level in range(5):
        shapes |= weighted(f"fpn_convs.{level}.conv", 256, 256, 3, 3, bias=256)
    return shapes


def atss_head(classes: int = 80) -> Shapes:
    """Four convolutions with group norm for the classes, four for the boxes."""
    shapes: Shapes = {}
    for branch in ("cls", "reg"):
        for number in range(4):
            shapes |= weighted(f"{branch}_convs.{number}.conv", 256, 256, 3, 3)
            shapes |= weighted(f"{branch}_convs.{number}.gn", 256, bias=256)
    for name, channels in (("cls", classes), ("reg", 4), ("centerness", 1)):
        shapes |= weighted(f"atss_{name}", channels, 256, 3, 3, bias=channels)
    return shapes | {f"scales.{level}.scale": () for level in range(5)}


def detector(backbone: Shapes, channels: tuple[int, ...]) -> Shapes:
    """A whole model."""
    parts = {"backbone": backbone, "neck": fpn(channels), "bbox_head": atss_head()}
    return {
        f"{part}.{name}": shape for part, shapes in parts.items() for name, shape in shapes.items()
    }


CNN = (512, 1024, 2048)
MODELS = {
    "r50": detector(resnet(50), CNN),
    "r101": detector(resnet(101), CNN),
    "r101_dcn": detector(resnet(101, deformable=True), CNN),
    "r101_dcn_ms": detector(resnet(101, deformable=True), CNN),
    "x101_dcn_ms": detector(resnet(101, deformable=True, groups=64, base_width=4), CNN),
    "r2_101_dcn_ms": detector(res2net(101), CNN),
    "swin_s": detector(swin(96, (3, 6, 12, 24)), (192, 384, 768)),
    "swin_b": detector(swin(128, (4, 8, 16, 32)), (256, 512, 1024)),
    "swin_l": detector(swin(192, (6, 12, 24, 48)), (384, 768, 1536)),
}
"""For each config, every name of its state dict with its shape."""
