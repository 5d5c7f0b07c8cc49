"""Makes an image ready for a bundle's network: whole and scaled, or to be looked at in windows."""

from __future__ import annotations

from serving.bundle.schema import Manifest, Size
from serving.inference import decoding
from serving.inference.decoding import WidthHeight
from serving.inference.pixels import Pixels
from serving.inference.preprocess import Prepared, input_size, preprocess
from serving.inference.sources import MAX_PIXELS
from serving.inference.tiles import TiledImage, choose
from serving.schemas.options import Tiles

ModelInput = Prepared | TiledImage
"""An image that is ready for ``serving.inference.detector.Detector.detect_prepared``."""


class InputPreparer:
    """Prepares images as a bundle says.

    Args:
        manifest: The bundle's.
        reduced_decoding: Whether large JPEGs are decoded at a part of their size.
    """

    def __init__(self, manifest: Manifest, *, reduced_decoding: bool = False) -> None:
        self._spec = manifest.input
        self._tiles = manifest.tiles
        self._reduced_decoding = reduced_decoding

    def prepare(
        self, image: bytes | Pixels, tiles: Tiles | None = None, max_pixels: int = MAX_PIXELS
    ) -> ModelInput:
        """Makes one image ready; scales it where it is taken whole.

        Args:
            image: An encoded image, see ``serving.inference.decoding.decode``; or RGB, uint8, shape
                (height, width, 3).
            tiles: Whether it is looked at in windows; as the bundle says if None.
            max_pixels: Most pixels (width × height) of an encoded image; checked before decoding.

        Raises:
            ImageError: As ``serving.inference.decoding.decode`` raises it.
            ImageTooLargeError: It has too many windows.
        """
        if not isinstance(image, bytes):
            return self._of_pixels(image, tiles)
        if self.kept_pixels(image, tiles, max_pixels) or not self._reduced_decoding:
            return self._of_pixels(decoding.decode(image, max_pixels), tiles)
        pixels, (width, height) = decoding.decode_reduced(image, max_pixels, self._scaled)
        return preprocess(pixels, self._spec, Size(width=width, height=height))

    def may_tile(self, tiles: Tiles | None) -> bool:
        """Whether a large enough image is looked at in windows."""
        return tiles != "off" and (isinstance(tiles, int) or self._tiles is not None)

    def kept_pixels(self, data: bytes, tiles: Tiles | None, max_pixels: int) -> int:
        """How many pixels ``prepare`` keeps for an image's windows; 0 where it is taken whole.

        Args:
            data: An encoded image.
            tiles: As ``prepare`` takes it.
            max_pixels: As ``prepare`` takes it.

        Raises:
            ImageError: As ``prepare`` raises it for the header.
            ImageTooLargeError: It has too many windows.
        """
        if not self.may_tile(tiles):
            return 0
        header = decoding.read_header(data, max_pixels)
        size = Size(width=header.width, height=header.height)
        return size.width * size.height if choose(self._tiles, tiles, size) else 0

    def _of_pixels(self, image: Pixels, tiles: Tiles | None) -> ModelInput:
        size = Size(width=image.shape[1], height=image.shape[0])
        spec = choose(self._tiles, tiles, size)
        return TiledImage(image, spec, self._spec) if spec else preprocess(image, self._spec)

    def _scaled(self, size: WidthHeight) -> WidthHeight:
        """The size that an image of a size is scaled to."""
        width, height = size
        scaled, _ = input_size(Size(width=width, height=height), self._spec)
        return scaled.width, scaled.height
