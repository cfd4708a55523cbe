"""What follows from depth and pose: coordinates, boxes, flow, keypoints. Numpy alone.

Every function here takes arrays and returns arrays; `Labels` computes by name what is asked for.
World: Blender's, Z up, meters. Camera: OpenCV's, x right, y down, z forward. Pixels: the center of
the top left one is at (0.5, 0.5), where depth and masks are taken too.

The audit proves these labels with code of its own, so it imports nothing from this folder.
"""
