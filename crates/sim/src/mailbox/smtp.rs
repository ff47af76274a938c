//! The receiving half of SMTP (RFC 5321), as much as a mail program needs: no relaying, no TLS, no sign-in.

use std::io;
use std::net::SocketAddr;

use mail_parser::{Message, MessageParser, MimeHeaders};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::{Attachment, Behaviour, Channel, Mailbox, Peer, Received, hang};

/// The most bytes of one message.
pub const MESSAGE_BYTES: usize = 1024 * 1024;
/// The longest line, as RFC 5321 4.5.3.1.6 has it, with room to spare.
const LINE_BYTES: u64 = 2000;
const RECIPIENTS: usize = 100;

/// An SMTP server on a free loopback port; it stops when dropped.
pub struct SmtpPeer(Peer);

impl SmtpPeer {
    /// Starts it; what it receives goes to `mailbox`.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub async fn start(mailbox: Mailbox) -> io::Result<Self> {
        let serve = move |stream, behaviour| Session::new(stream, mailbox.clone(), behaviour).run();
        Peer::start(serve).await.map(Self)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Changes what it does, from the next connection on.
    pub fn set_behaviour(&self, behaviour: Behaviour) {
        self.0.mood.set(behaviour);
    }
}

struct Session {
    stream: BufReader<TcpStream>,
    mailbox: Mailbox,
    behaviour: Behaviour,
    from: Option<String>,
    to: Vec<String>,
}

/// Whether the conversation goes on.
enum Next {
    Command,
    End,
}

impl Session {
    fn new(stream: TcpStream, mailbox: Mailbox, behaviour: Behaviour) -> Self {
        Self { stream: BufReader::new(stream), mailbox, behaviour, from: None, to: Vec::new() }
    }

    async fn run(mut self) -> io::Result<()> {
        match self.behaviour {
            Behaviour::HangAfterConnect => return hang(self.stream.get_mut()).await,
            Behaviour::Garbage => return self.say("\u{1}\u{2}not smtp\u{3}").await,
            Behaviour::Huge => return self.flood().await,
            _ => self.say("220 mailbox.invalid ready").await?,
        }
        while let Some(line) = self.line().await? {
            if matches!(self.command(&line).await?, Next::End) {
                break;
            }
        }
        Ok(())
    }

    async fn say(&mut self, line: &str) -> io::Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(line.as_bytes()).await?;
        stream.write_all(b"\r\n").await
    }

    async fn flood(&mut self) -> io::Result<()> {
        let block = [b'x'; 8192];
        for _ in 0..2048 {
            self.stream.get_mut().write_all(&block).await?;
        }
        Ok(())
    }

    /// One line without its end, or nothing when the other side is done or talks without end.
    async fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        (&mut self.stream).take(LINE_BYTES).read_until(b'\n', &mut line).await?;
        if line.pop() != Some(b'\n') {
            return Ok(None);
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Some(line))
    }

    async fn command(&mut self, line: &[u8]) -> io::Result<Next> {
        let line = String::from_utf8_lossy(line).into_owned();
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let verb = verb.to_ascii_uppercase();
        let answer = match verb.as_str() {
            "EHLO" => "250-mailbox.invalid\r\n250-8BITMIME\r\n250 SIZE 1048576",
            "HELO" => "250 mailbox.invalid",
            "NOOP" => "250 still here",
            "RSET" => {
                self.reset();
                "250 forgotten"
            }
            "MAIL" => self.mail(rest),
            "RCPT" => self.rcpt(rest),
            "DATA" if self.to.is_empty() => "503 who is it for?",
            "DATA" => return self.data().await,
            "QUIT" => {
                self.say("221 goodbye").await?;
                return Ok(Next::End);
            }
            _ => "502 not known here",
        };
        self.say(answer).await?;
        Ok(Next::Command)
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
    }

    fn mail(&mut self, rest: &str) -> &'static str {
        self.reset();
        match path(rest, "FROM:") {
            Some(from) => {
                self.from = Some(from);
                "250 sender noted"
            }
            None => "501 MAIL FROM:<address> is needed",
        }
    }

    fn rcpt(&mut self, rest: &str) -> &'static str {
        match (path(rest, "TO:"), self.behaviour) {
            _ if self.from.is_none() => "503 who is it from?",
            (Some(_), Behaviour::Temporary) => "450 4.2.0 mailbox busy, come back later",
            (Some(_), Behaviour::Permanent) => "550 5.1.1 no such mailbox",
            (Some(_), _) if self.to.len() == RECIPIENTS => "452 too many recipients",
            (Some(to), _) if !to.is_empty() => {
                self.to.push(to);
                "250 recipient noted"
            }
            _ => "501 RCPT TO:<address> is needed",
        }
    }

    async fn data(&mut self) -> io::Result<Next> {
        self.say("354 end with a dot").await?;
        let Some(content) = self.content().await? else { return Ok(Next::End) };
        if content.len() > MESSAGE_BYTES {
            self.reset();
            self.say("552 5.3.4 too large").await?;
            return Ok(Next::Command);
        }
        match self.behaviour {
            Behaviour::Lie => self.mailbox.lose(),
            Behaviour::HangAfterData => {
                hang(self.stream.get_mut()).await?;
                return Ok(Next::End);
            }
            _ => self.keep(&content),
        }
        self.reset();
        match self.behaviour {
            Behaviour::DropAfterData => Ok(Next::End),
            Behaviour::GarbageAfterData => self.say("\u{1}\u{2}not smtp\u{3}").await.map(|()| Next::End),
            _ => self.say("250 2.0.0 taken").await.map(|()| Next::Command),
        }
    }

    /// The content without its doubled dots; what exceeds the bound is read but not kept.
    async fn content(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut content = Vec::new();
        while let Some(line) = self.line().await? {
            if line == b"." {
                return Ok(Some(content));
            }
            if content.len() <= MESSAGE_BYTES {
                content.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
                content.extend_from_slice(b"\r\n");
            }
        }
        Ok(None)
    }

    fn keep(&self, content: &[u8]) {
        let parsed = MessageParser::default().parse(content);
        for to in &self.to {
            self.mailbox.keep(received(to, parsed.as_ref(), self.mailbox.now_ms()));
        }
    }
}

/// The address between angle brackets after `FROM:` or `TO:`.
fn path(rest: &str, keyword: &str) -> Option<String> {
    let (start, after) = rest.trim_start().split_at_checked(keyword.len())?;
    let (address, _) = after.trim_start().strip_prefix('<')?.split_once('>')?;
    start.eq_ignore_ascii_case(keyword).then(|| address.to_owned())
}

fn received(to: &str, mail: Option<&Message<'_>>, at_ms: i64) -> Received {
    let html_part = mail.and_then(|mail| mail.html_part(0)).filter(|part| part.is_text_html());
    Received {
        channel: Channel::Email,
        to: to.to_owned(),
        subject: mail.and_then(|mail| mail.subject()).map(ToOwned::to_owned),
        text: mail
            .and_then(|mail| mail.body_text(0))
            .map(|text| text.replace("\r\n", "\n"))
            .unwrap_or_default(),
        html: html_part.and_then(|part| part.text_contents()).map(ToOwned::to_owned),
        attachments: mail.map(attachments).unwrap_or_default(),
        message_id: mail.and_then(|mail| mail.message_id()).map(ToOwned::to_owned),
        at_ms,
    }
}

fn attachments(mail: &Message<'_>) -> Vec<Attachment> {
    mail.attachments()
        .map(|part| Attachment {
            name: part.attachment_name().map(ToOwned::to_owned),
            media_type: part
                .content_type()
                .map(|kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default()))
                .unwrap_or_default(),
            content_id: part.content_id().map(ToOwned::to_owned),
            bytes: part.contents().to_vec(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says `lines`, each after the answer to the one before, and returns all answers.
    async fn talk(mailbox: &Mailbox, lines: &[&str]) -> String {
        let peer = SmtpPeer::start(mailbox.clone()).await.unwrap();
        let mut stream = TcpStream::connect(peer.address()).await.unwrap();
        stream.write_all(lines.join("\r\n").as_bytes()).await.unwrap();
        stream.write_all(b"\r\nQUIT\r\n").await.unwrap();
        let mut answers = String::new();
        stream.read_to_string(&mut answers).await.unwrap();
        answers
    }

    #[tokio::test]
    async fn a_message_arrives_with_its_dots() {
        let mailbox = Mailbox::new(|| 42);
        let answers = talk(
            &mailbox,
            &[
                "EHLO me",
                "MAIL FROM:<a@x.example>",
                "RCPT TO:<b@y.example>",
                "DATA",
                "Subject: Hi",
                "Message-ID: <1@x>",
                "",
                "one",
                "..",
                "..two",
                ".",
            ],
        )
        .await;
        assert!(answers.contains("250 2.0.0 taken") && answers.ends_with("221 goodbye\r\n"), "{answers}");
        let message = &mailbox.messages()[0];
        assert_eq!((message.to.as_str(), message.at_ms), ("b@y.example", 42));
        assert_eq!(message.subject.as_deref(), Some("Hi"));
        assert_eq!(message.message_id.as_deref(), Some("1@x"));
        assert_eq!(message.text.trim_end(), "one\n.\n.two");
    }

    #[tokio::test]
    async fn commands_out_of_order_and_unknown_ones_are_refused() {
        let mailbox = Mailbox::new(|| 0);
        let answers = talk(
            &mailbox,
            &[
                "DATA",
                "RCPT TO:<b@y.example>",
                "MAIL FROM:a@x",
                "MAIL FROM:<>",
                "RCPT TO:<>",
                "VRFY x",
                "RSET",
                "NOOP",
                "ééééé",
            ],
        )
        .await;
        let codes: Vec<&str> = answers.lines().map(|line| &line[..3]).collect();
        assert_eq!(codes, ["220", "503", "503", "501", "250", "501", "502", "250", "250", "502", "221"]);
        assert!(mailbox.messages().is_empty());
    }

    #[tokio::test]
    async fn too_much_is_refused() {
        let mailbox = Mailbox::new(|| 0);
        let line = "x".repeat(990);
        let mut lines = vec!["MAIL FROM:<a@x.example>", "RCPT TO:<b@y.example>", "DATA"];
        lines.extend(std::iter::repeat_n(line.as_str(), 1100));
        lines.push(".");
        assert!(talk(&mailbox, &lines).await.contains("552 5.3.4"));
        assert!(mailbox.messages().is_empty());
    }
}
