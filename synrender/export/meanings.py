"""What each column of an export means, in one line: for the card and for Croissant."""

PICTURE_MEANINGS = {
    "image": "8-bit sRGB",
    "instance_map": "16 bits: number of the object, from 1; 0 = backdrop",
    "class_map": "16 bits: class id + 1; 0 = backdrop",
    "depth_m": "16 bits: depth along the viewing axis in 0.1 mm; 65535 = nothing hit, or beyond "
    "6.5534 m",
}

MEANINGS = {
    "split": "train, validation or test; they share no models where the data set is complete",
    "label": "place of the class among the class names",
    "class_name": "name of the class, as ShapeNet has it",
    "class": "class id of the renderer; class_map holds it + 1",
    "rot_mat": "rotation from object to world",
    "quaternion": "the same as w, x, y, z",
    "euler": "the same as angles in XYZ order, rad",
    "bbox": "corners of the model's box in model units, centred on 0",
    "scale": "m for each model unit, along the object's own axes",
    "location": "centre of the model's box in the world, m",
    "light": "location of the point light in the world, m",
    "obj_to_world": "takes a vertex as it stands in the OBJ file to the world, m",
    "sample_idx": "number of the sample; with the seed, it says all of what is drawn",
    "bucket": "slice of the data set that has models of its own",
    "group": "consecutive samples that show the same models",
    "instance": "number of the object in instance_map, from 1",
    "synset_id": "WordNet synset of the class",
    "model_id": "model of ShapeNet",
    "texture": "texture of DTD on the object; empty: none",
    "color": "colour of the object, scene-linear RGB",
    "backdrop_texture": "texture of DTD on the backdrop; empty: none",
    "backdrop_color": "colour of the backdrop, scene-linear RGB",
    "base": "what all but the varied factor is drawn from; twins share it",
    "varied": "factor in which the sample differs from others of its base; empty: none",
    "intrinsics": "camera matrix, px; the top left pixel's centre is (0.5, 0.5)",
    "world_to_camera": "pose of the camera, m; x right, y down, z forward",
    "num_visible_px": "pixels of the object that are visible",
    "box_px": "x_min, y_min, x_max, y_max of the visible pixels; all 0 = hidden",
}
