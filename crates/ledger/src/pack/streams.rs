//! Streams of small numbers and bytes, each pressed on its own so that like lies with like.

use super::Damaged;

/// Streams shorter than this are pressed together.
const POOLED: usize = 192;
/// Columns are told so shortly that higher levels gain nothing (measured).
const LEVEL: i32 = 1;
/// All streams of a block together are no longer: a block holds a few megabytes at most.
const LONGEST: usize = 32 << 20;

const SAME: u8 = 0;
const POOL: u8 = 1;
const PRESSED: u8 = 2;
const PLAIN: u8 = 3;

/// Appends a number in groups of seven bits, the lowest first.
pub(super) fn put(into: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        into.push(number as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

/// Reads what others wrote: every call may find that it ends too early.
pub(super) struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn number(&mut self) -> Result<u64, Damaged> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or(Damaged)?;
            self.0 = rest;
            number |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Damaged)
    }

    pub(super) fn length(&mut self) -> Result<usize, Damaged> {
        usize::try_from(self.number()?).ok().filter(|&length| length <= LONGEST).ok_or(Damaged)
    }

    pub(super) fn take(&mut self, bytes: usize) -> Result<&'a [u8], Damaged> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or(Damaged)?;
        self.0 = rest;
        Ok(taken)
    }
}

/// Writes streams so that [`read`] gives them back.
pub(super) fn write(into: &mut Vec<u8>, streams: &[Vec<u8>]) {
    let mut pool = Vec::new();
    let mut press = Press(zstd::bulk::Compressor::new(LEVEL).ok());
    put(into, streams.len() as u64);
    for stream in streams {
        put(into, stream.len() as u64);
        let Some(&first) = stream.first() else { continue };
        if stream.iter().all(|&byte| byte == first) {
            into.extend_from_slice(&[SAME, first]);
        } else if stream.len() < POOLED {
            into.push(POOL);
            pool.extend_from_slice(stream);
        } else {
            press.write(into, stream);
        }
    }
    put(into, pool.len() as u64);
    press.write(into, &pool);
}

/// Reads streams back.
pub(super) fn read(input: &mut Input<'_>) -> Result<Vec<Vec<u8>>, Damaged> {
    let count = input.length()?;
    let mut press = zstd::bulk::Decompressor::new().map_err(|_| Damaged)?;
    let mut streams = Vec::new();
    let mut pooled = Vec::new();
    let mut room = LONGEST;
    for at in 0..count {
        let length = input.length()?;
        room = room.checked_sub(length).ok_or(Damaged)?;
        if length == 0 {
            streams.push(Vec::new());
            continue;
        }
        match input.take(1)?[0] {
            SAME => streams.push(vec![input.take(1)?[0]; length]),
            POOL => {
                pooled.push((at, length));
                streams.push(Vec::new());
            }
            mode => streams.push(unpress(&mut press, input, mode, length)?),
        }
    }
    // What is pooled was counted with its streams.
    let length = input.length().ok().filter(|&length| length <= LONGEST - room).ok_or(Damaged)?;
    let mode = input.take(1)?[0];
    let pool = unpress(&mut press, input, mode, length)?;
    let mut rest = Input(&pool);
    for (at, length) in pooled {
        streams[at] = rest.take(length)?.to_vec();
    }
    if rest.0.is_empty() { Ok(streams) } else { Err(Damaged) }
}

/// One for all streams of a block: making one costs more than using it. Without one, streams are kept as they are.
struct Press(Option<zstd::bulk::Compressor<'static>>);

impl Press {
    fn write(&mut self, into: &mut Vec<u8>, stream: &[u8]) {
        let pressed = self.0.as_mut().and_then(|press| press.compress(stream).ok());
        match pressed.filter(|pressed| pressed.len() < stream.len()) {
            Some(pressed) => {
                into.push(PRESSED);
                put(into, pressed.len() as u64);
                into.extend_from_slice(&pressed);
            }
            None => {
                into.push(PLAIN);
                into.extend_from_slice(stream);
            }
        }
    }
}

fn unpress(
    press: &mut zstd::bulk::Decompressor<'_>,
    input: &mut Input<'_>,
    mode: u8,
    length: usize,
) -> Result<Vec<u8>, Damaged> {
    match mode {
        PLAIN => Ok(input.take(length)?.to_vec()),
        PRESSED => {
            let pressed = input.length()?;
            let stream = press.decompress(input.take(pressed)?, length).map_err(|_| Damaged)?;
            if stream.len() == length { Ok(stream) } else { Err(Damaged) }
        }
        _ => Err(Damaged),
    }
}
