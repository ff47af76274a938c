kiosk-title-home = Collect a parcel
kiosk-title-opening = Opening
kiosk-title-open = Compartment open
kiosk-title-close = Close the door
kiosk-title-stuck = The door did not open

kiosk-language = Language
kiosk-display = Display
kiosk-contrast = Contrast
kiosk-larger = Larger text
kiosk-lower = Lower on screen
kiosk-reset = Standard display
kiosk-help = Need help?
kiosk-stale = This screen has lost touch with the bank. Please wait.
kiosk-not-sent = Not sent. Please try again.
kiosk-digits-said = of 8 digits entered
kiosk-moment = One moment, please.
kiosk-back = Back
kiosk-done = Done
kiosk-finish = Finish
kiosk-enter = Enter
kiosk-for = For
kiosk-wrong = Something wrong?

kiosk-home-title = Enter your code
kiosk-home-lead = The 8 digits from your message
kiosk-keypad = Keypad
kiosk-clear = Clear
kiosk-erase = Erase
kiosk-camera = Hold your QR code up to the camera
kiosk-camera-picture = Picture of the camera
kiosk-camera-privacy = The camera only looks for QR codes. No picture is kept.
kiosk-camera-other = This QR code is not from us. Show the one in your message.
kiosk-camera-off = The camera is not available. Enter the 8 digits instead.
kiosk-token-open = Type the text of the QR code
kiosk-token = Text of the QR code
kiosk-checking = Checking
kiosk-paused-title = The keypad is paused
kiosk-paused = There were too many wrong codes. You can still hold a QR code up to the camera.
kiosk-closed-title = The keypad is closed
kiosk-closed = There were too many wrong codes and staff have been told. You can still hold a QR code up to the camera.
kiosk-needs-staff = There were too many wrong codes and staff have been told. They will reopen the keypad. You can still hold a QR code up to the camera.
kiosk-out-of-order-title = Out of order
kiosk-out-of-order = This bank opens nothing at the moment. Parcels inside are safe, and staff have been told.

kiosk-code-refused-title = This code is not valid at this bank
kiosk-code-refused = It may be mistyped, used, out of date or for another bank. Look for your newest message and try again.
kiosk-tries-left = { $count ->
    [0] No tries left before a pause.
    [one] { $count } try left before a pause.
   *[other] { $count } tries left before a pause.
  }
kiosk-code-short-title = The code has 8 digits
kiosk-code-short = Please enter all of them.
kiosk-too-many-title = Too many wrong codes
kiosk-too-many = Please wait until the keypad takes codes again.
kiosk-door-unavailable-title = This door cannot be opened at the moment
kiosk-door-unavailable = Your parcel is safe. Please try again in a few minutes.
kiosk-door-stuck-title = Staff must open this door
kiosk-door-stuck = It did not open several times. Your parcel is safe, and staff have been told.
kiosk-too-late-title = That took too long
kiosk-too-late = Nothing was opened. Please try again.
kiosk-no-space-title = No compartment that fits is free
kiosk-no-space = Try another size, or keep the parcel with you.
kiosk-another-title = Compartment { $number } did not open
kiosk-another = It is out of service now. Another one opens.
kiosk-reported-title = Thank you, staff have been told
kiosk-reported = You need not do anything else about it.
kiosk-cancelled-title = Cancelled
kiosk-cancelled = Nothing was delivered. Please keep the parcel with you.
kiosk-away-title = The bank does not answer
kiosk-away = Please wait a moment and try again. Parcels inside are safe.
kiosk-alarm-forced = Compartment { $number } is open without permission. Staff have been told.
kiosk-alarm-held = Compartment { $number } has been open for too long. Please close its door.

kiosk-idle-title = Are you still there?
kiosk-idle = Otherwise we start over and forget what was entered.
kiosk-still-here = I’m still here

kiosk-find-title = Who is the parcel for?
kiosk-carrier = Signed in for { $carrier }
kiosk-delivered = { $count ->
    [one] { $count } parcel delivered
   *[other] { $count } parcels delivered
  }
kiosk-find-label = Unit or name
kiosk-find = Find
kiosk-find-hint = Enter the unit, or two letters of the name. Matches appear here.
kiosk-matches = Matches
kiosk-more-matches = There are more. Enter more to narrow it down.
kiosk-no-match-title = Nobody found
kiosk-no-match = Check the label. If it is right, keep the parcel with you.
kiosk-keyboard = Keyboard
kiosk-space = Space
kiosk-keys-digits = 1 2 3 4 5 6 7 8 9 0
kiosk-keys-digits-name = 123
kiosk-keys-latin = A B C D E F G H I J K L M N O P Q R S T U V W X Y Z
kiosk-keys-latin-name = ABC
kiosk-keys-own = -
kiosk-keys-own-name = -

kiosk-confirm-title = Is this right?
kiosk-confirm = Compare it with the label.
kiosk-confirm-yes = Yes, go on
kiosk-confirm-no = No, search again

kiosk-size-title = Which size fits?
kiosk-size-s = Small
kiosk-size-s-hint = up to a shoe box
kiosk-size-m = Medium
kiosk-size-m-hint = up to a removal box
kiosk-size-l = Large
kiosk-size-l-hint = up to a suitcase
kiosk-size-x = Extra large
kiosk-size-x-hint = anything bigger
kiosk-size-measure = { $width } × { $height } cm
kiosk-size-free = { $count ->
    [0] None free
   *[other] { $count } free
  }

kiosk-opening-title = Compartment { $number } is opening
kiosk-opening-drop = Have the parcel ready.
kiosk-opening-take = Stand clear of the door.
kiosk-open-title = Compartment { $number } is open
kiosk-place = Put the parcel in and close the door. That is all.
kiosk-take = Take your parcel and close the door. That is all.
kiosk-bigger = Bigger compartment
kiosk-take-back = Cancel delivery
kiosk-already-full = Something is inside
kiosk-does-not-close = Door does not close
kiosk-empty = Nothing in it
kiosk-not-mine = Not mine
kiosk-close-title = Close compartment { $number }
kiosk-close-bigger = Take the parcel out and close the door. Then a bigger one opens.
kiosk-close-cancelled = Take the parcel out and close the door. Then nothing is delivered.
kiosk-deposited-title = Delivered
kiosk-deposited = It lies in compartment { $number }.
kiosk-next = Next parcel
kiosk-collected-title = All done
kiosk-collected = Compartment { $number } is closed. Goodbye!

kiosk-presence = To open from your phone, name the code
kiosk-keys-wait = A new key that could open this bank's doors is waiting to count. If you did not expect that, tell the operator.
kiosk-emergency-start = Emergency opening
kiosk-emergency-title = Emergency opening
kiosk-emergency = Two officers must agree. Which compartment?
kiosk-challenge-title = Emergency: compartment { $number }
kiosk-challenge = Two officers sign this together with the number of the compartment. Show or type each answer.
kiosk-challenge-answers = { $count } of 2 answers
kiosk-bad-response-title = That answer is not valid
kiosk-bad-response = It must be an officer's answer to exactly what is shown here.
kiosk-repair-title = Work order
kiosk-repair = Which compartment? Those that hold a parcel stay shut.
kiosk-repair-none = No compartment can be opened now.
kiosk-occupied-title = That compartment holds a parcel
kiosk-occupied = Ask an administrator to open it.
kiosk-inspecting = Close the door when you have finished.
kiosk-inspected-title = Compartment { $number } is closed
kiosk-inspected = The opening has been noted.
kiosk-second-title = Now your code
kiosk-second = This badge can be copied, so your code or your number must follow
kiosk-badge-title = Hold your badge to the reader
kiosk-badge = From then on it works at this bank.
kiosk-badge-enrolled-title = Badge known
kiosk-badge-enrolled = It works at this bank from now on.
kiosk-badge-unknown-title = This badge is not known here
kiosk-badge-unknown = Try your code instead.
kiosk-badge-weak-title = This badge is not taken here
kiosk-badge-weak = It can be copied too easily. Use your code instead.
kiosk-nothing-here-title = Nothing here for you now
kiosk-nothing-here = If you expected a parcel, look at your newest message.

kiosk-stuck-title = Compartment { $number } did not open
kiosk-stuck-safe = Your parcel is safe inside.
kiosk-stuck-retry = Your code still works. Press the door gently while you try again.
kiosk-stuck-staff = Staff have been told and will open it for you.
kiosk-stuck-keep = Please keep the parcel with you.
kiosk-stuck-drop = Staff have been told about the door. You can go on with the next parcel.
kiosk-again = Try again

kiosk-held-title = This bank is locked down
kiosk-held = This door does not open at the moment. Your parcel is safe and your code stays valid.
kiosk-locked-title = This bank is locked down
kiosk-locked = Nothing opens at the moment. Open doors can still be closed. Parcels inside are safe, and staff have been told.
kiosk-locked-zone-title = A part of this bank is locked down
kiosk-locked-zone = Some doors do not open at the moment. Parcels inside are safe, and staff have been told.
kiosk-drill-title = This is a drill
kiosk-drill = Staff are practising a lockdown. Everything works as always.
kiosk-drill-holds-title = This is a drill
kiosk-drill-holds = Staff are practising a lockdown. Some doors do not open until it is over.
kiosk-thanks-title = Thank you
kiosk-thanks = Your answer was noted.
kiosk-locked-down-now-title = Locked down
kiosk-locked-down-now = Nothing opens until the lockdown ends.
kiosk-released-title = The lockdown has ended
kiosk-released = Doors open again with their codes.
kiosk-release-needs-another-title = A second person must agree
kiosk-release-needs-another = Within 15 minutes, with their own code here or in the portal.
kiosk-alarm-attack = Somebody is working on this cabinet with force. Staff have been told.
kiosk-alarm-enclosure = The cabinet’s enclosure is open. Staff have been told.
kiosk-alarm-door = Compartment { $number } gives contradictory signs and is not used. Staff have been told.
kiosk-alarm-reader = The badge reader was tampered with. Please do not use it.
kiosk-alarm-ledger = This bank no longer vouches for the operator’s records: they were cut or rewritten. Staff have been told. Your code works as before.
kiosk-alarm-sensor = A sensor of this cabinet has failed. Staff have been told.
kiosk-ask-title = Is compartment { $number } empty?
kiosk-ask = One tap helps the next person.
kiosk-ask-empty = Yes, empty
kiosk-ask-full = No, something is inside
kiosk-unattended = Close the door to finish. For anything else, enter your code again afterwards.
kiosk-keeper-title = Staff
kiosk-lock-down = Lock down this bank
