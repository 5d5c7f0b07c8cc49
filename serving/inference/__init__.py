"""Images in, detections out. No HTTP."""
