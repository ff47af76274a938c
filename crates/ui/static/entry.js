// Entries of the custody log: deterministic CBOR (docs/reference/event-encoding.md), read strictly and told in fields.
import { hex, wrong } from "./proof.js";

// Names of what happens at a bank and at the platform, in runs of numbers.
const runs = (of) => new Map(Object.entries(of).flatMap(([first, names]) => names.split(/\s+/).map((name, at) => [Number(first) + at, name])));
const PLATFORM = runs({
  1: `LogStarted AdministratorCreated SignedIn SignInRefused PermissionDenied PersonAdded PersonChanged PersonRemoved
    PersonalDataRead CarrierAdded CourierCodeIssued EnrolmentOffered BankEnrolled ChainHead BankOffline BankOnline CodeIssued
    NotificationSent NotificationFailed ParcelOverdue ParcelExtended AlertAcknowledged SettingChanged TokenCreated
    TokenRevoked LogExported BankOperationRequested EvidenceExported`,
  40: `LegalHoldPlaced LegalHoldLifted ErasureRefused PersonErased ErasureCompleted FileAttached FileDestroyed`,
  60: `KeyRegistered KeyWithdrawn InspectionPrepared BadgeCodeSent BadgesRevoked WorkOrderWritten WorkOrderFinished
    WorkOrderOverdue`,
  70: `KeySealed KeyReleaseAsked KeyReleased KeyReleaseDropped KeyReturned KeyOverdue KeyRetired OpenedWithoutRelease`,
  90: `WitnessRefused BankChainBroken LedgerKeyRolled WitnessNamed`,
  100: `HardwareRecorded BankAccepted BankExcepted BankWithdrawn`,
});
const BANK = runs({
  1: `BankStarted RosterTaken CourierSignedIn OpeningIntended CompartmentOpened CompartmentDidNotOpen CompartmentClosed
    CompartmentForced CompartmentFoundOpen CompartmentHeldOpen ParcelDeposited DropOffCancelled ParcelCollected GrantArmed
    GrantExpired GrantRevoked AccessRefused KeypadClosed KeypadReset ServiceChanged BoardSilent BoardAnswers ClockStepped
    ProblemReported`,
  40: `LockdownBegan LockdownChanged LockdownReleaseAsked LockdownReleased LockdownExpired TamperBegan TamperContinued
    TamperEnded OccupancyDoubted OccupancyTold StaffSignedIn SirenSilenced`,
  60: `RemoteOpeningRefused KeyWaits KeyAdmitted KeyRemoved OverrideAsked OverrideAnswered EnrolmentOffered BadgeEnrolled
    BadgesForgotten WorkOrderOpened WorkOrderClosed TechnicianSignedIn`,
  80: `RestoredDiskFound BankResynchronised`,
  90: `LedgerRefused`,
  100: `CommissioningBegan LockTried LockAnswered PartChecked BankCommissioned`,
});
const QUALITY = ["degraded", "holdover", "trusted"];
const LONGEST = 1024, DEEPEST = 8;

const read = (bytes) => {
  if (bytes.length > LONGEST) wrong("entry");
  let at = 0;
  const take = (count) => {
    if (at + count > bytes.length) wrong("entry");
    return bytes.subarray(at, (at += count));
  };
  const argument = (low) => {
    if (low < 24) return BigInt(low);
    if (low > 27) wrong("entry");
    const number = take(1 << (low - 24)).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    // The shortest form is the only one.
    if (number < (low === 24 ? 24n : 1n << BigInt(4 << (low - 24)))) wrong("entry");
    return number;
  };
  const value = (depth) => {
    if (depth > DEEPEST) wrong("entry");
    const [head] = take(1);
    if (head === 0xf6) return null;
    const number = argument(head & 31);
    const small = () => (number <= LONGEST ? Number(number) : wrong("entry"));
    switch (head >> 5) {
      case 0: return number;
      case 1: return -1n - number;
      case 2: return take(small());
      case 3: try { return new TextDecoder("utf-8", { fatal: true }).decode(take(small())); } catch { return wrong("entry"); }
      case 4: return Array.from({ length: small() }, () => value(depth + 1));
      case 5: {
        const map = new Map();
        let last = -1n;
        for (let left = small(); left > 0; left--) {
          const key = value(depth + 1);
          if (typeof key !== "bigint" || key <= last) wrong("entry");
          map.set(Number(last = key), value(depth + 1));
        }
        return map;
      }
      default: return wrong("entry");
    }
  };
  const whole = value(0);
  if (at !== bytes.length) wrong("entry");
  return whole;
};

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
// An id as people see it: a prefix and 128 bits in Crockford's base32.
export const id = (prefix, bytes) => {
  let number = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n), text = "";
  for (let digit = 0; digit < 26; digit++, number >>= 5n) text = ALPHABET[Number(number & 31n)] + text;
  return `${prefix}_${text}`;
};

// What an entry says: its source, kind, time and, of a bank, its number, the door and the opening.
export const readEntry = (bytes) => {
  const map = read(bytes);
  const field = (key) => (map instanceof Map && map.has(key) ? map.get(key) : wrong("entry"));
  const [kind, inside] = field(4);
  if (field(0) !== 1n || typeof kind !== "bigint" || typeof field(3) !== "bigint" || !(field(2)?.length === 16)) wrong("entry");
  const fromBank = field(1) === 1n, fields = inside instanceof Map ? inside : new Map();
  const number = (key) => (typeof fields.get(key) === "bigint" ? Number(fields.get(key)) : null);
  const entry = {
    source: id(fromBank ? "bnk" : "org", field(2)),
    fromBank,
    kind: (fromBank ? BANK : PLATFORM).get(Number(kind)) || `${fromBank ? "bank" : "platform"} ${kind}`,
    at: Number(field(3)),
  };
  if (!fromBank) {
    const bank = () => id("bnk", fields.get(1)?.length === 16 ? fields.get(1) : wrong("entry"));
    if (kind === 13n) entry.enrolled = { bank: bank(), key: fields.get(2) };
    if (kind === 45n) entry.attached = hex(fields.get(2) ?? wrong("entry"));
    if (kind === 14n) entry.head = { bank: bank(), seq: fields.get(2), head: fields.get(3), signature: fields.get(4) };
    return entry;
  }
  const opens = ["CompartmentOpened", "CompartmentForced", "CompartmentFoundOpen"].includes(entry.kind);
  const door = number(entry.kind === "ParcelDeposited" ? 3 : entry.kind.endsWith("Cancelled") || entry.kind === "ParcelCollected" ? 2 : 1);
  const quality = QUALITY[Number(field(7))] ?? wrong("entry");
  return { ...entry, opens, door: opens ? door : null, opening: entry.kind === "CompartmentOpened" ? number(2) : null, seq: field(5), prev: hex(field(6)), quality };
};
