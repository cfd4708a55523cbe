"""Labels that follow from depth and pose: coordinates, boxes, flow, keypoints. Needs only numpy.

Every function here takes arrays and returns arrays; `Labels` computes labels by their names.
World: Blender's, Z up, meters. Camera: OpenCV's, x right, y down, z forward. Pixels: the center of
the top left one is at (0.5, 0.5), where depth and masks are taken too.

The audit checks these labels with its own code, so it imports nothing from this folder.
"""
