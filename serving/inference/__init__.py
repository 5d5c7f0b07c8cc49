"""Pictures in, detections out. No HTTP."""
