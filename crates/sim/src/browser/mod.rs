//! A person before a browser, for tests: Chromium driven over the DevTools protocol.
//!
//! It does what a person can do (look, click where something is, type, hold something to the camera) and sees what a
//! person sees; it never calls into a page's own code. Nothing here waits blindly: every wait is a promise inside the page
//! that is kept by the page changing, with a deadline. Start with [`Browser::launch`], then [`Browser::page`].
//!
//! The protocol is Chromium's: <https://chromedevtools.github.io/devtools-protocol/>.

mod camera;
mod eyes;
mod page;
mod wire;

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;

pub use camera::{Clip, Picture};
pub use eyes::SmallTarget;
pub use page::{Extent, Page, Scheme, Screen};
use wire::Wire;

/// How long Chromium may take to start on a busy machine.
const START: Duration = Duration::from_secs(60);

/// Why the browser did not do something.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// There is no Chromium.
    #[error("no Chromium found: install it, or name it in CHROME")]
    NotFound,
    /// Chromium did not start; its last words.
    #[error("Chromium did not start: {0}")]
    NotStarted(String),
    /// A file, a process or the socket.
    #[error("the browser's {what} failed")]
    Io {
        /// What of it.
        what: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The connection to Chromium broke.
    #[error("the connection to Chromium broke at {method}")]
    Broken {
        /// During which call.
        method: String,
        /// Why.
        #[source]
        source: Box<tungstenite::Error>,
    },
    /// Chromium refused a call.
    #[error("{method}: {message}")]
    Refused {
        /// Which call.
        method: String,
        /// What it said.
        message: String,
    },
    /// Something expected on a page did not come in time.
    #[error("{waited_for}: not within {within_ms} ms at {url}, which shows:\n{shown}")]
    NotSeen {
        /// What.
        waited_for: String,
        /// How long was waited, in milliseconds.
        within_ms: u128,
        /// Where.
        url: String,
        /// The page's text.
        shown: String,
    },
}

/// A running Chromium with a profile of its own; dropping it ends it.
pub struct Browser {
    wire: Arc<Mutex<Wire>>,
    child: Child,
    _profile: TempDir,
}

impl Browser {
    /// The Chromium on this machine: the one named in `CHROME`, else Debian's.
    #[must_use]
    pub fn installed() -> Option<PathBuf> {
        let named = std::env::var_os("CHROME").map(PathBuf::from);
        named.into_iter().chain([PathBuf::from("/usr/bin/chromium")]).find(|path| path.is_file())
    }

    /// Starts Chromium without a window. Its camera shows `clip`, if there is one.
    ///
    /// # Errors
    /// [`BrowserError`] when there is no Chromium or it does not start.
    pub fn launch(clip: Option<&Clip>) -> Result<Self, BrowserError> {
        let program = Self::installed().ok_or(BrowserError::NotFound)?;
        let io = |what| move |source| BrowserError::Io { what, source };
        let profile = tempfile::Builder::new().prefix("browser-").tempdir().map_err(io("profile folder"))?;
        let mut command = Command::new(program);
        command.args(FLAGS).arg(format!("--user-data-dir={}", profile.path().display()));
        if let Some(clip) = clip {
            command.args(["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]);
            command.arg(format!("--use-file-for-fake-video-capture={}", clip.path().display()));
        }
        // A group of its own, so that its helpers end with it.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(io("program"))?;
        let words = child.stderr.take().expect("it was asked for just above");
        let address = match listen_for_address(words) {
            Ok(address) => address,
            Err(error) => {
                end(&mut child);
                return Err(error);
            }
        };
        let wire = match Wire::connect(&address) {
            Ok(wire) => wire,
            Err(error) => {
                end(&mut child);
                return Err(error);
            }
        };
        Ok(Self { wire: Arc::new(Mutex::new(wire)), child, _profile: profile })
    }

    /// Opens a page of somebody new: it shares no cookies with other pages.
    ///
    /// # Errors
    /// [`BrowserError`].
    pub fn page(&self, url: &str) -> Result<Page, BrowserError> {
        let context = wire::call(&self.wire, None, "Target.createBrowserContext", &json!({}))?;
        let context = context["browserContextId"].as_str().unwrap_or_default().to_owned();
        Page::open(self.wire.clone(), context, url)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    if let Ok(id) = i32::try_from(child.id()) {
        // It may have ended already.
        let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
    }
    let _ = child.wait();
}

const FLAGS: [&str; 14] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-debugging-port=0",
];

/// Chromium tells its address among other words; those are read on, so that it is never stopped by a full pipe.
fn listen_for_address(words: ChildStderr) -> Result<String, BrowserError> {
    let (sender, heard) = mpsc::channel();
    let listener = move || {
        let mut last = String::new();
        for line in BufReader::new(words).lines().map_while(Result::ok) {
            if let Some((_, address)) = line.split_once("DevTools listening on ") {
                // The launcher may have given up.
                let _ = sender.send(Ok(address.trim().to_owned()));
            }
            last = line;
        }
        let _ = sender.send(Err(last));
    };
    std::thread::Builder::new()
        .name("chromium".into())
        .spawn(listener)
        .map_err(|source| BrowserError::Io { what: "listener", source })?;
    match heard.recv_timeout(START) {
        Ok(Ok(address)) => Ok(address),
        Ok(Err(last)) => Err(BrowserError::NotStarted(last)),
        Err(_) => Err(BrowserError::NotStarted("it told no address in time".to_owned())),
    }
}

/// A text as JavaScript's literal of it.
fn literal(text: &str) -> String {
    Value::from(text).to_string()
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), BrowserError> {
    let io = |source| BrowserError::Io { what: "picture file", source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(io)?;
    }
    std::fs::write(path, bytes).map_err(io)
}
