"""What the live stream counts."""

from prometheus_client import Counter, Gauge, Histogram

CLIENTS = Gauge("ccserver_stream_clients", "Browsers and programs connected to the live stream", ["kind"])
GROUPS = Gauge("ccserver_stream_groups", "Groups of clients that share the same frames")
FRAMES = Counter("ccserver_stream_frames_total", "Frames written to clients")
BYTES = Counter("ccserver_stream_bytes_total", "Bytes of frames written to clients")
SNAPSHOTS = Counter("ccserver_stream_snapshots_total", "Snapshots written to clients")
RESUMES = Counter("ccserver_stream_resumes_total", "Clients that went on where they had left")
HELD = Counter("ccserver_stream_held_total", "Times that a client did not read fast enough and was held back")
CLOSED = Counter("ccserver_stream_closed_total", "Connections that the server closed", ["code"])
REFUSED = Counter("ccserver_stream_refused_total", "Messages of clients that were refused", ["code"])
LATENCY = Histogram(
    "ccserver_stream_latency_seconds",
    "From the instant its author gave a change to the writing of the frame",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
