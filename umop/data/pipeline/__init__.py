"""What mmengine loads images with: steps of its pipeline, and windows of large images."""
