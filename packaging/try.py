#!/usr/bin/env python3
"""Starts a unit's ExecStart as the unit's user, as a service manager would, and expects READY=1, two signs of life, an
answer over HTTP, and an orderly end. Usage: try.py USER UNIT URL"""
import configparser, os, pwd, shlex, signal, socket, subprocess, sys, tempfile, urllib.request

user, unit, url = sys.argv[1:]
settings = configparser.ConfigParser(strict=False, interpolation=None)
settings.optionxform = str
settings.read(unit)
service = settings["Service"]
who = pwd.getpwnam(user)
state = "/var/lib/" + service["StateDirectory"]
os.makedirs(state, exist_ok=True)
os.chown(state, who.pw_uid, who.pw_gid)
os.chmod(state, 0o700)

folder = tempfile.mkdtemp()
os.chmod(folder, 0o755)
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(folder + "/notify")
os.chmod(folder + "/notify", 0o777)
manager.settimeout(60)


def as_user():
    os.setgroups([])
    os.setgid(who.pw_gid)
    os.setuid(who.pw_uid)
    os.umask(0o077)


# As a unit with WatchdogSec=1 would have it, so that two signs of life take a second.
env = {"PATH": "/usr/bin", "NOTIFY_SOCKET": folder + "/notify", "WATCHDOG_USEC": "1000000"}
program = subprocess.Popen(shlex.split(service["ExecStart"]), env=env, preexec_fn=as_user, stdout=subprocess.DEVNULL)
try:
    told = ""
    while "READY=1" not in told:
        told += manager.recv(4096).decode() + "\n"
    lives = told.count("WATCHDOG=1")
    while lives < 2:
        lives += manager.recv(4096).decode().count("WATCHDOG=1")
    answer = urllib.request.urlopen(url, timeout=30)
    assert answer.status == 200, answer.status
    program.send_signal(signal.SIGTERM)
    assert program.wait(30) == 0, program.returncode
finally:
    program.kill()
print(f"{os.path.basename(unit)}: ready, alive, answers on {url}, ends in order")
