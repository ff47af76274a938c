//! What lock boards may say: any bytes, at any moment, to the real bus machine of each family.

use std::time::Duration;

use bailee_edge::boards::{
    Action, Board, Board8a80, Board8a80Settings, BoardAddress, BusEvent, BusMachine, BusTiming, Channel,
    Cu16Settings, Cu48Settings, DoorAddress, KerongCu16, KerongCu48, ModbusRelay, ModbusRelaySettings,
    Polarity, Ticket, UnlockError, UnlockOrder, check_byte, crc16, sum_byte,
};

use crate::cut::Cut;
use crate::{Target, target};

/// The targets of this module.
pub const TARGETS: &[Target] = &[
    target("boards_8a80", |data| bus(Family::Xor, data), seeds),
    target("boards_cu16", |data| bus(Family::Cu16, data), seeds),
    target("boards_cu48", |data| bus(Family::Cu48, data), seeds),
    target("boards_modbus", |data| bus(Family::Modbus, data), seeds),
];

#[derive(Clone, Copy, PartialEq)]
enum Family {
    Xor,
    Cu16,
    Cu48,
    Modbus,
}

const LOCKS: u8 = 12;

fn board(family: Family, address: u8) -> Box<dyn Board> {
    let (channels, polarity, pulse) = (LOCKS, Polarity::ClosedWhenBitSet, None);
    match family {
        Family::Xor => {
            Box::new(Board8a80::new(Board8a80Settings { address, channels, polarity }).expect("sound"))
        }
        Family::Cu16 => {
            Box::new(KerongCu16::new(Cu16Settings { address, channels, polarity, pulse }).expect("sound"))
        }
        Family::Cu48 => {
            Box::new(KerongCu48::new(Cu48Settings { address, channels, polarity, pulse }).expect("sound"))
        }
        Family::Modbus => {
            let settings = ModbusRelaySettings { address, channels, polarity, pulse_ms: 200 };
            Box::new(ModbusRelay::new(settings).expect("sound"))
        }
    }
}

/// The check bytes of that family behind some bytes, as a board that lies would write them.
fn sealed(family: Family, mut bytes: Vec<u8>) -> Vec<u8> {
    match family {
        Family::Xor => bytes.push(check_byte(&bytes)),
        Family::Cu16 | Family::Cu48 => {
            bytes.push(3);
            bytes.push(sum_byte(&bytes));
        }
        Family::Modbus => bytes.extend(crc16(&bytes).to_le_bytes()),
    }
    bytes
}

/// The bus machine with two boards on its line, and whatever the line is made to say.
struct Line {
    family: Family,
    machine: BusMachine,
    now: Duration,
    sent: Vec<u8>,
    /// Orders so far, their doors, and how they ended.
    orders: Vec<(DoorAddress, Option<Result<(), UnlockError>>)>,
    frames: usize,
}

impl Line {
    fn new(family: Family) -> Self {
        let boards = vec![board(family, 1), board(family, 2)];
        let mut machine = BusMachine::new(boards, BusTiming::at_baud(19_200));
        let now = Duration::from_secs(1);
        machine.line_back(now);
        Self { family, machine, now, sent: Vec::new(), orders: Vec::new(), frames: 0 }
    }

    /// Unlock frames the machine may say: those of the doors that were ordered, once each.
    fn may_say(&self, bytes: &[u8]) -> bool {
        let (one, two) = (board(self.family, 1), board(self.family, 2));
        let polls = [&one, &two].iter().any(|board| {
            let rest = board.rest().map(|request| request.bytes);
            bytes == board.query_all().bytes
                || bytes == board.echo_probe().bytes
                || Some(bytes) == rest.as_deref()
        });
        polls
            || self.orders.iter().any(|(door, end)| {
                let board = if door.board.0 == 1 { &one } else { &two };
                end.is_none() && board.unlock(door.channel).is_ok_and(|request| request.bytes == bytes)
            })
    }

    fn step(&mut self, by: Duration) {
        self.now += by;
        self.machine.advance(self.now);
        self.settle();
    }

    /// Takes what the machine does and says, and holds it to its rules.
    fn settle(&mut self) {
        let mut steps = 0;
        while let Some(action) = self.machine.next_action() {
            steps += 1;
            assert!(steps < 1_000, "the machine does nothing else any more");
            if let Action::Send(bytes) = action {
                assert!(self.may_say(&bytes), "{bytes:02X?} was asked for by nobody");
                self.frames += 1;
                self.sent = bytes;
            }
        }
        while let Some(event) = self.machine.next_event() {
            match event {
                BusEvent::Unlock { ticket, door, outcome, .. } => {
                    let order = &mut self.orders[usize::try_from(ticket.0).expect("small")];
                    assert!(order.1.is_none() && order.0 == door, "an order ends once, at its own door");
                    order.1 = Some(outcome.map(|_| ()));
                }
                BusEvent::Doors { board, doors, .. } => {
                    assert!(
                        matches!(board.0, 1 | 2) && doors.len() == usize::from(LOCKS),
                        "all doors of one board"
                    );
                }
                BusEvent::DoorPushed { board, door, .. } => {
                    assert!(matches!(board.0, 1 | 2) && door.channel.number() <= LOCKS);
                }
                _ => {}
            }
        }
    }

    fn order(&mut self, door: u8, within: Duration) {
        let board = BoardAddress(1 + door % 2);
        let channel = Channel::new(1 + door / 2 % (LOCKS + 1)).expect("from 1");
        let door = DoorAddress { board, channel };
        let ticket = Ticket(self.orders.len() as u64);
        self.orders.push((door, None));
        self.machine.order(self.now, UnlockOrder { ticket, door, not_after: self.now + within });
        self.settle();
    }

    fn say(&mut self, bytes: &[u8]) {
        self.machine.received(self.now, bytes);
        self.settle();
    }
}

/// Boards that say anything at all: no frame leaves that nobody ordered, every order ends once, and when the noise is over both
/// boards are asked again.
fn bus(family: Family, data: &[u8]) {
    let mut cut = Cut(data);
    let mut line = Line::new(family);
    let mut turns = 0;
    while !cut.is_empty() && turns < 400 {
        turns += 1;
        let turn = cut.byte();
        match turn % 8 {
            0 => line.order(cut.byte(), Duration::from_millis(u64::from(cut.word()) % 4_000)),
            1 => line.say(cut.piece()),
            2 => line.say(&sealed(family, cut.piece().to_vec())),
            3 => line.say(&line.sent.clone()),
            4 => {
                let mut echo = line.sent.clone();
                cut.edit(&mut echo);
                line.say(&echo);
            }
            5 => line.step(Duration::from_millis(u64::from(cut.byte()))),
            6 => line.step(Duration::from_millis(u64::from(cut.word()))),
            _ if turn & 0x40 == 0 => line.machine.line_lost(line.now),
            _ => line.machine.line_back(line.now),
        }
    }
    line.machine.line_back(line.now);
    let before = line.frames;
    for _ in 0..400 {
        line.step(Duration::from_millis(50));
    }
    assert!(line.frames > before, "silence is answered with questions");
    assert!(line.orders.iter().all(|(_, end)| end.is_some()), "every order ends");
}

fn seeds() -> Vec<Vec<u8>> {
    let ask = [5, 40, 5, 40];
    let answers: [&[u8]; 4] = [
        &[0x80, 1, 0xFF, 0xFF, 0x33],
        &[2, 0x10, 0x35, 0xFF, 0xFF, 0, 0],
        &[2, 1, 0, 0x75, 0xFF, 0xFF],
        &[1, 2, 2, 0xFF, 0xFF],
    ];
    let mut seeds = vec![Vec::new(), [&ask[..], &[0, 3, 15, 0, 6, 0, 200, 3, 5, 100]].concat()];
    for answer in answers {
        let said = [&[2, answer.len() as u8][..], answer].concat();
        seeds.push([&ask[..], &said, &ask, &said, &[0, 3, 15, 0], &ask, &[3], &said, &[5, 250]].concat());
    }
    seeds
}
