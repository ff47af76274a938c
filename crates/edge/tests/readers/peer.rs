//! An OSDP reader behind a pseudo terminal: libosdp's peripheral side, which shares no code with ours.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use libosdp::{
    Channel, ChannelError, OsdpCommand, OsdpEvent, OsdpEventCardRead, OsdpFlag, OsdpStatusReport,
    OsdpStatusReportType, PdCapEntity, PdCapability, PdId, PdInfoBuilder, PeripheralDevice,
};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, poll};
use nix::pty::openpty;
use nix::sys::termios::{self, SetArg};

/// What a reader is when it is switched on.
#[derive(Clone)]
pub struct Made {
    /// Its key; without one it answers to the key everybody knows.
    pub key: Option<[u8; 16]>,
    /// Its serial number.
    pub serial: u8,
}

enum Order {
    Say(OsdpEvent),
    Restart(Made),
}

/// A reader at address 5 that can be told what to do.
pub struct Peer {
    path: PathBuf,
    orders: Sender<Order>,
    silent: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    /// What the controller had it show.
    pub shown: Receiver<OsdpCommand>,
    /// The keys it was given.
    pub keys: Arc<Mutex<Vec<[u8; 16]>>>,
    /// Everything the reader heard.
    pub heard: Arc<Mutex<Vec<u8>>>,
    /// Everything the reader said, frame by frame.
    pub said: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Peer {
    /// Switches a reader on.
    pub fn start(made: Made) -> Self {
        let pair = openpty(None, None).unwrap();
        let path = nix::unistd::ttyname(&pair.slave).unwrap();
        let mut raw = termios::tcgetattr(&pair.slave).unwrap();
        termios::cfmakeraw(&mut raw);
        termios::tcsetattr(&pair.slave, SetArg::TCSANOW, &raw).unwrap();
        fcntl(&pair.master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        let (orders, inbox) = mpsc::channel();
        let (shows, shown) = mpsc::channel();
        let device = Device {
            line: File::from(pair.master),
            _slave: pair.slave,
            inbox,
            shows,
            silent: Arc::default(),
            stop: Arc::default(),
            keys: Arc::default(),
            heard: Arc::default(),
            said: Arc::default(),
        };
        let (silent, stop) = (device.silent.clone(), device.stop.clone());
        let (keys, heard, said) = (device.keys.clone(), device.heard.clone(), device.said.clone());
        let thread = Some(std::thread::spawn(move || device.run(&made)));
        Self { path, orders, silent, stop, thread, shown, keys, heard, said }
    }

    /// The tty the controller opens.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Somebody holds a badge to it.
    pub fn badge(&self, bits: usize, data: &[u8]) {
        self.say(OsdpEvent::CardRead(OsdpEventCardRead::new_wiegand(bits, data.to_vec()).unwrap()));
    }

    /// Its case is opened or closed.
    pub fn case(&self, open: bool) {
        let mut report = [0; 64];
        report[0] = u8::from(open);
        let type_ = OsdpStatusReportType::Local;
        self.say(OsdpEvent::Status(OsdpStatusReport { type_, nr_entries: 2, report }));
    }

    fn say(&self, event: OsdpEvent) {
        self.orders.send(Order::Say(event)).unwrap();
    }

    /// It is switched off and on, or swapped for another one.
    pub fn restart(&self, made: Made) {
        self.orders.send(Order::Restart(made)).unwrap();
    }

    /// Its cable is cut or mended.
    pub fn cut(&self, cut: bool) {
        self.silent.store(cut, Ordering::SeqCst);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

struct Device {
    line: File,
    // Held so that the line outlives a controller that closes and opens it again.
    _slave: OwnedFd,
    inbox: Receiver<Order>,
    shows: Sender<OsdpCommand>,
    silent: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    keys: Arc<Mutex<Vec<[u8; 16]>>>,
    heard: Arc<Mutex<Vec<u8>>>,
    said: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Device {
    fn run(self, made: &Made) {
        let mut reader = self.switch_on(made);
        while !self.stop.load(Ordering::SeqCst) {
            let mut watched = [PollFd::new(self.line.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut watched, 5_u8);
            reader.refresh();
            match self.inbox.try_recv() {
                Ok(Order::Say(event)) => reader.notify_event(event).unwrap(),
                Ok(Order::Restart(made)) => reader = self.switch_on(&made),
                Err(_) => {}
            }
        }
    }

    fn switch_on(&self, made: &Made) -> PeripheralDevice {
        let mut id = PdId::from_number(made.serial);
        id.serial_number = [made.serial; 4];
        let mut info = PdInfoBuilder::new()
            .address(5)
            .and_then(|info| info.baud_rate(115_200))
            .unwrap()
            .id(&id)
            .capability(PdCapability::CommunicationSecurity(PdCapEntity::new(1, 1)))
            .capability(PdCapability::LedControl(PdCapEntity::new(1, 1)))
            .capability(PdCapability::AudibleOutput(PdCapEntity::new(1, 1)));
        info = match made.key {
            Some(key) => info.secure_channel_key(key).flag(OsdpFlag::EnforceSecure),
            None => info.flag(OsdpFlag::InstallMode),
        };
        let line = self.line.try_clone().unwrap();
        let (heard, said) = (self.heard.clone(), self.said.clone());
        let ears = Ears { line, silent: self.silent.clone(), heard, said };
        let mut reader = PeripheralDevice::new(info, Box::new(ears)).unwrap();
        let (keys, shows) = (self.keys.clone(), self.shows.clone());
        reader.set_command_callback(move |command: &mut OsdpCommand| {
            if let OsdpCommand::KeySet(set) = command {
                keys.lock().unwrap().push(set.data.clone().try_into().unwrap());
            }
            let _ = shows.send(command.clone());
            0
        });
        reader
    }
}

struct Ears {
    line: File,
    silent: Arc<AtomicBool>,
    heard: Arc<Mutex<Vec<u8>>>,
    said: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Channel for Ears {
    fn get_id(&self) -> i32 {
        0
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ChannelError> {
        match self.line.read(buffer) {
            Ok(_) if self.silent.load(Ordering::SeqCst) => Err(ChannelError::WouldBlock),
            Ok(count) => {
                self.heard.lock().unwrap().extend(&buffer[..count]);
                Ok(count)
            }
            Err(_) => Err(ChannelError::WouldBlock),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, ChannelError> {
        if self.silent.load(Ordering::SeqCst) {
            return Ok(bytes.len());
        }
        self.said.lock().unwrap().push(bytes.to_vec());
        self.line.write(bytes).map_err(|_| ChannelError::WouldBlock)
    }

    fn flush(&mut self) -> Result<(), ChannelError> {
        Ok(())
    }

    fn close(&mut self) -> Result<(), ChannelError> {
        Ok(())
    }
}

/// Plays a recording to whoever asks: to every question the next answer, whatever the question.
pub struct Recording {
    path: PathBuf,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Recording {
    /// Plays these frames once.
    pub fn play(frames: Vec<Vec<u8>>) -> Self {
        let pair = openpty(None, None).unwrap();
        let path = nix::unistd::ttyname(&pair.slave).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let (mut line, _slave) = (File::from(pair.master), pair.slave);
            let mut frames = frames.into_iter();
            while !stopped.load(Ordering::SeqCst) {
                let mut watched = [PollFd::new(line.as_fd(), PollFlags::POLLIN)];
                if poll(&mut watched, 20_u8).unwrap() > 0 {
                    let _ = line.read(&mut [0; 512]).unwrap();
                    line.write_all(&frames.next().unwrap_or_default()).unwrap();
                }
            }
        });
        Self { path, stop, thread: Some(thread) }
    }

    /// The tty the controller opens.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}
