error-prefix = Error:
error-summary = There is a problem
error-required = Fill this in
error-email = Enter an e-mail address like name@example.org
error-phone = Enter a phone number with country code, like +49 30 1234567
error-too-long = This is too long
error-number = Enter a whole number

state-free = Free
state-occupied = Occupied
state-reserved = Reserved
state-open = Open
state-out-of-service = Out of service
state-alarm = Alarm
state-unknown = Unknown

map-name = Map of { $bank }: { $states }
map-table = Compartments of { $bank }
map-number = Compartment
map-place = Where
map-size = Size
map-state = State
map-low-reach = low reach
map-door = { map-number } { $number }, { $place }
place-top = top row
place-bottom = bottom row
place-row = row { $row } of { $rows }
place-column = { $column ->
    [1] first
    [2] second
    [3] third
    [4] fourth
    [5] fifth
   *[other] number { $column }
  } from left
place-both = { $row }, { $column }

pager = Pages
pager-first = First page
pager-next = Next page

count-parcels = { $count ->
    [one] { $count } parcel
   *[other] { $count } parcels
  }
count-doors = { $count ->
    [one] { $count } door
   *[other] { $count } doors
  }
live = Live
live-stale = Reconnecting, last data
live-failed = Not sent. Check the connection and try again.
copy = Copy
copied = Copied
close = Close
cancel = Cancel
save = Save
back = Back

lockdown-title = Lockdown
lockdown-none = No lockdown is in force.
lockdown-drill = Drill
lockdown-grade-watch = Watch: nothing is held
lockdown-grade-hold-remote = Holds openings from afar
lockdown-grade-hold-zone = Holds every opening in its area
lockdown-grade-hold-all = Holds every opening of the bank
lockdown-area-door = Compartment { $number }
lockdown-area-zone = Column { $number }
lockdown-area-bank = Whole bank
lockdown-cause-by-hand = Begun by staff
lockdown-cause-forced = A door was forced
lockdown-cause-enclosure = The enclosure was opened
lockdown-cause-pry-switch = A pry switch moved
lockdown-cause-impact = Repeated blows
lockdown-cause-pry = Prying
lockdown-cause-tool = A drill or saw
lockdown-cause-sensor-lost = A sensor is lost
lockdown-cause-reader = A reader was tampered with
lockdown-cause-bus = A board was tampered with
lockdown-ends-in = Ends by itself in { $minutes } min
lockdown-agreed = One person has agreed to end it; a second must.
lockdown-release = End lockdown
lockdown-silence = Turn the siren off
