#!/usr/bin/python3
"""A camera on the network for tests: GStreamer's RTSP server on the loopback interface.

    rtsp-server.py PORT PIPELINE [USER PASSWORD]

PORT 0 takes any that is free. It prints `port N` once it listens, and plays PIPELINE, which ends in a payloader named pay0, from its beginning
to everybody who asks for rtsp://127.0.0.1:N/live. It runs until it is killed.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer

Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(sys.argv[1])
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(f"( {sys.argv[2]} )")
if len(sys.argv) > 3:
    user, password = sys.argv[3:5]
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", user)
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role(user, "media.factory.access", True)
    permissions.add_permission_for_role(user, "media.factory.construct", True)
    factory.set_permissions(permissions)
server.get_mount_points().add_factory("/live", factory)
if server.attach(None) == 0:
    sys.exit(f"nothing can listen at port {sys.argv[1]}")
print(f"port {server.get_bound_port()}", flush=True)
GLib.MainLoop().run()
