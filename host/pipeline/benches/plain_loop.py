"""The baseline of the benchmark "the demonstration against a plain loop": what one writes in an afternoon with OpenCV, ONNX Runtime and NumPy.

    plain_loop.py VIDEO CENTERFACE.onnx MOBILEFACENET.onnx PHOTOGRAPH THREADS

The same video, models, detector size and preprocessing as the demonstration's deployment; no sandbox, no tracker (every face of every frame is
encoded, in one batch a frame), no records, no report. It enrols PHOTOGRAPH, prints `ready`, and for each line with a number on its standard input goes
through so many frames of VIDEO and prints seconds, frames, faces and the best score as JSON.
"""

import json
import sys
import time

import cv2
import numpy as np
import onnxruntime

# The ArcFace template of 112 x 112 pixels: eyes, nose, corners of the mouth.
TEMPLATE = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]])
LONGEST_SIDE = 640
LEAST_CONFIDENCE = 0.5
MOST_OVERLAP = 0.3
LEAST_WIDTH = 20


def session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def detect(centerface, picture):
    """Boxes (left, top, right, bottom) and five landmarks, pixels of the picture."""
    height, width = picture.shape[:2]
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    small = cv2.resize(picture, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    rows, columns = (-(-side // 32) * 32 for side in small.shape[:2])
    padded = np.zeros((rows, columns, 3), np.uint8)
    padded[: small.shape[0], : small.shape[1]] = small
    blob = np.ascontiguousarray(padded[:, :, ::-1].transpose(2, 0, 1), np.float32)[None]
    heat, sizes, offsets, marks = centerface.run(None, {centerface.get_inputs()[0].name: blob})
    row, column = np.where(heat[0, 0] >= LEAST_CONFIDENCE)
    sure = heat[0, 0, row, column]
    high, wide = 4 * np.exp(sizes[0, :, row, column].T)
    middle_y = (row + offsets[0, 0, row, column] + 0.5) * 4
    middle_x = (column + offsets[0, 1, row, column] + 0.5) * 4
    boxes = np.stack([middle_x - wide / 2, middle_y - high / 2, middle_x + wide / 2, middle_y + high / 2], 1)
    points = marks[0, :, row, column].reshape(-1, 5, 2)[:, :, ::-1] * np.stack([wide, high], 1)[:, None] + boxes[:, None, :2]
    kept = []
    for index in np.argsort(-sure):
        box = boxes[index]
        for other in (boxes[k] for k in kept):
            across = min(box[2], other[2]) - max(box[0], other[0])
            down = min(box[3], other[3]) - max(box[1], other[1])
            common = max(across, 0) * max(down, 0)
            area = lambda b: (b[2] - b[0]) * (b[3] - b[1])
            if common > MOST_OVERLAP * (area(box) + area(other) - common):
                break
        else:
            kept.append(index)
    steps = (width / small.shape[1], height / small.shape[0])
    boxes = boxes[kept] * (steps * 2)
    wide_enough = np.minimum(boxes[:, 2], width) - np.maximum(boxes[:, 0], 0) >= LEAST_WIDTH
    return boxes[wide_enough], (points[kept] * steps)[wide_enough]


def similarity(points):
    """The rotation, scale and shift that bring five points to the template best (Umeyama 1991)."""
    mean, goal = points.mean(0), TEMPLATE.mean(0)
    u, s, v = np.linalg.svd((TEMPLATE - goal).T @ (points - mean) / 5)
    sign = np.array([1, np.sign(np.linalg.det(u @ v))])
    turn = u @ np.diag(sign) @ v
    scale = (s * sign).sum() / points.var(0).sum()
    return np.hstack([scale * turn, (goal - scale * turn @ mean)[:, None]])


def encode(mobilefacenet, picture, faces):
    """A template of unit length for each face."""
    aligned = [cv2.warpAffine(picture, similarity(points), (112, 112)) for points in faces]
    blob = ((np.stack(aligned).astype(np.float32) - 127.5) / 128).transpose(0, 3, 1, 2)
    templates = mobilefacenet.run(None, {mobilefacenet.get_inputs()[0].name: np.ascontiguousarray(blob)})[0]
    return templates / np.linalg.norm(templates, axis=1, keepdims=True)


def main():
    video, centerface, mobilefacenet, photograph, threads = sys.argv[1:]
    threads = int(threads)
    cv2.setNumThreads(threads)
    centerface, mobilefacenet = session(centerface, threads), session(mobilefacenet, threads)
    picture = cv2.imread(photograph)
    boxes, points = detect(centerface, picture)
    largest = np.argmax(boxes[:, 2] - boxes[:, 0])
    watchlist = encode(mobilefacenet, picture, points[largest : largest + 1])
    print("ready", flush=True)
    for line in sys.stdin:
        capture = cv2.VideoCapture(video)
        found, best, frames = 0, -1.0, 0
        started = time.perf_counter()
        while frames < int(line):
            there, picture = capture.read()
            if not there:
                break
            frames += 1
            boxes, points = detect(centerface, picture)
            found += len(boxes)
            if len(boxes):
                scores = encode(mobilefacenet, picture, points) @ watchlist.T
                best = max(best, float(scores.max()))
        seconds = time.perf_counter() - started
        print(json.dumps({"seconds": seconds, "frames": frames, "faces": found, "best": best}), flush=True)


main()
