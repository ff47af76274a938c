//! A house with the demonstration running in it, and the people who come by.

use bailee_sim::browser::{Browser, Clip, Page};

use crate::demo::Demo;
use crate::rig::{before, browser, is_fine, is_fine_to_touch, key_in};

pub const ADMIN: &str = "office@example.org";
pub const PASSWORD: &str = "correct horse battery";
pub const RESIDENT: &str = "maria@example.org";
pub const COURIER: &str = "courier@example.org";

/// The first bank of the demonstration.
pub const LOBBY: usize = 0;

/// Everything a journey needs. What people look at is dropped before what serves it.
pub struct House {
    /// The administrator's screen.
    pub admin: Page,
    /// What arrives for everybody.
    pub mailbox: Page,
    /// The cabinets, as somebody standing before them has them.
    pub cabinets: Page,
    /// What is held to the kiosks' cameras.
    pub clip: Clip,
    browser: Browser,
    demo: Option<Demo>,
    dir: tempfile::TempDir,
}

impl House {
    /// Starts the demonstration and sets it up as its first steps say, unless there is no browser.
    pub fn set_up() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let clip = Clip::empty(dir.path().join("clip.y4m")).unwrap();
        let browser = browser(Some(&clip))?;
        let demo = Demo::start(dir.path(), &[]);
        let admin = become_administrator(&browser, demo.ready.set_up.as_ref().unwrap());
        let mailbox = browser.page(&format!("{}/demo/mailbox", demo.ready.portal)).unwrap();
        let cabinets = browser.page(&format!("{}/demo", demo.ready.portal)).unwrap();
        let house = Self { admin, mailbox, cabinets, clip, browser, demo: Some(demo), dir };
        house.add_resident("Maria Reyes", "4B", RESIDENT, "+49 30 5550101");
        house.add_courier("Northwind Parcels", COURIER);
        Some(house)
    }

    pub fn demo(&self) -> &Demo {
        self.demo.as_ref().unwrap()
    }

    pub fn portal(&self, path: &str) -> String {
        format!("{}{path}", self.demo().ready.portal)
    }

    /// Somebody walks up to a bank.
    pub fn walk_up_to(&self, bank: usize) -> Page {
        let kiosk = before(&self.browser, &self.demo().ready.kiosks[bank]);
        kiosk.wait("the keypad", "document.querySelector('[data-key]')").unwrap();
        kiosk
    }

    /// Somebody without an account.
    pub fn stranger(&self, path: &str) -> Page {
        self.browser.page(&self.portal(path)).unwrap()
    }

    /// Stops the demonstration and starts it again on the same data.
    pub fn restart(&mut self) {
        self.demo.take().unwrap().stop();
        self.demo = Some(Demo::start(self.dir.path(), &[]));
        assert!(self.demo().ready.set_up.is_none(), "there is an administrator already");
        self.mailbox.goto(&self.portal("/demo/mailbox")).unwrap();
        self.cabinets.goto(&self.portal("/demo")).unwrap();
        self.admin.goto(&self.portal("/")).unwrap();
        for page in [&self.mailbox, &self.cabinets, &self.admin] {
            // While the server was away their lines to it broke, which is an error on the console.
            page.complaints().unwrap();
        }
    }

    pub fn add_resident(&self, name: &str, unit: &str, email: &str, phone: &str) {
        let admin = &self.admin;
        admin.goto(&self.portal("/people/residents/new")).unwrap();
        for (label, text) in [("Name", name), ("Unit", unit), ("E-mail", email), ("Phone", phone)] {
            admin.fill(label, text).unwrap();
        }
        is_fine(admin);
        admin.press("Save").unwrap();
        admin.wait("the residents", "location.pathname === '/people'").unwrap();
        admin.sees(name).unwrap();
        is_fine(admin);
    }

    pub fn add_courier(&self, carrier: &str, email: &str) {
        let admin = &self.admin;
        admin.goto(&self.portal("/carriers")).unwrap();
        admin.fill("Name of a new carrier", carrier).unwrap();
        admin.press("Add carrier").unwrap();
        admin
            .wait(
                "the carrier is listed",
                &format!("document.querySelector('table')?.innerText.includes('{carrier}')"),
            )
            .unwrap();
        is_fine(admin);
        admin.goto(&self.portal("/people/couriers/new")).unwrap();
        admin.fill("Name", "Casey Long").unwrap();
        admin.choose("Carrier", carrier).unwrap();
        admin.fill("E-mail", email).unwrap();
        is_fine(admin);
        admin.press("Save").unwrap();
        admin.wait("the couriers", "location.pathname === '/people'").unwrap();
        admin.sees("Casey Long").unwrap();
        is_fine(admin);
    }

    /// The courier's personal code, as it arrived.
    pub fn couriers_code(&self) -> String {
        self.code_in(&Letter { to: COURIER, about: "Your courier code", nth: 1 })
    }

    /// The e-mails to somebody about something, newest first.
    fn find(letter: &Letter<'_>) -> String {
        format!(
            "[...document.querySelectorAll('#mailbox section')].filter((s) => s.querySelector('h2').textContent.trim() === '{}')\
             .flatMap((s) => [...s.querySelectorAll('article')]).filter((a) => a.querySelector('h3')?.textContent.includes('{}'))",
            letter.to, letter.about
        )
    }

    /// How many letters of a kind there are now.
    pub fn count(&self, to: &str, about: &str) -> u64 {
        let all = Self::find(&Letter { to, about, nth: 0 });
        self.mailbox.evaluate(&format!("{all}.length")).unwrap().as_u64().unwrap()
    }

    /// Waits for a letter and gives its text.
    pub fn read(&self, letter: &Letter<'_>) -> String {
        let all = Self::find(letter);
        let nth = letter.nth;
        let text = format!(
            "(({{ length, [length - {nth}]: it }}) => it?.querySelector('.text').textContent)({all})"
        );
        let waited_for = format!("letter {nth} to {} about {}", letter.to, letter.about);
        self.mailbox.wait(&waited_for, &text).unwrap().as_str().unwrap().to_owned()
    }

    /// The eight digits that stand alone in a line of a letter.
    pub fn code_in(&self, letter: &Letter<'_>) -> String {
        let text = self.read(letter);
        let digits = |line: &str| line.chars().filter(char::is_ascii_digit).collect::<String>();
        let is_code = |line: &&str| {
            digits(line).len() == 8 && line.chars().all(|c| c.is_ascii_digit() || c == ' ' || c == '-')
        };
        digits(text.lines().map(str::trim).find(is_code).unwrap_or_else(|| panic!("no code in: {text}")))
    }

    /// Holds the QR code of the newest letter about a parcel to the camera.
    pub fn hold_up_newest_qr(&self, to: &str) {
        let all = Self::find(&Letter { to, about: "Your parcel", nth: 0 });
        let id = self
            .mailbox
            .wait("a letter with a picture", &format!("{all}[0]?.querySelector('img.qr') && {all}[0].id"))
            .unwrap();
        let picture = self.mailbox.picture_at(&format!("#{} img.qr", id.as_str().unwrap())).unwrap();
        self.clip.hold_up(&picture).unwrap();
    }

    /// Shuts an open door of a cabinet with a click on the page of the cabinets.
    pub fn shut(&self, bank: usize, door: u16) {
        let button = format!("#door-{bank}-{door}.primary");
        self.cabinets.click(&button).unwrap();
        self.cabinets.wait("the door is shut", &format!("!document.querySelector('{button}')")).unwrap();
    }

    /// The courier drops a parcel off for unit 4B; the door it is in.
    pub fn drop_off(&self, kiosk: &Page, bank: usize, code: &str) -> u16 {
        let door = self.drop_off_until_open(kiosk, code);
        self.shut(bank, door);
        kiosk.sees("Delivered").unwrap();
        is_fine_to_touch(kiosk);
        kiosk.press("Finish").unwrap();
        kiosk.sees("Enter your code").unwrap();
        door
    }

    pub fn drop_off_until_open(&self, kiosk: &Page, code: &str) -> u16 {
        key_in(kiosk, code);
        kiosk.sees("Who is the parcel for?").unwrap();
        kiosk.click("[data-letter=\"4\"]").unwrap();
        kiosk.press("4B").unwrap();
        kiosk.sees("Is this right?").unwrap();
        kiosk.press("Yes, go on").unwrap();
        kiosk.sees("Which size fits?").unwrap();
        kiosk.press("Small").unwrap();
        kiosk.sees("Put the parcel in and close the door").unwrap();
        is_fine_to_touch(kiosk);
        shown_door(kiosk)
    }

    /// A recipient's door stands open: they take the parcel and shut it.
    pub fn take_out(&self, kiosk: &Page, bank: usize) -> u16 {
        kiosk.sees("Take your parcel and close the door").unwrap();
        is_fine_to_touch(kiosk);
        let door = shown_door(kiosk);
        self.shut(bank, door);
        kiosk.sees("All done").unwrap();
        is_fine_to_touch(kiosk);
        kiosk.press("Done").unwrap();
        kiosk.sees("Enter your code").unwrap();
        door
    }
}

/// One letter: to whom, words of its subject, and which of several, the first being 1.
pub struct Letter<'a> {
    pub to: &'a str,
    pub about: &'a str,
    pub nth: u64,
}

fn shown_door(kiosk: &Page) -> u16 {
    let number =
        kiosk.wait("a door's number", "document.querySelector('#screen .k-door b')?.textContent").unwrap();
    number.as_str().unwrap().parse().unwrap()
}

fn become_administrator(browser: &Browser, link: &str) -> Page {
    let admin = browser.page(link).unwrap();
    admin.sees("Set up Bailee").unwrap();
    is_fine(&admin);
    let fields = [
        ("Name", "Site office"),
        ("E-mail", ADMIN),
        ("Choose a password", PASSWORD),
        ("The same password again", PASSWORD),
    ];
    for (label, text) in fields {
        admin.fill(label, text).unwrap();
    }
    admin.press("Set up and sign in").unwrap();
    admin.sees("First steps").unwrap();
    for bank in ["Lobby", "Garage"] {
        admin.wait(&format!("{bank}'s map"), &format!("[...document.querySelectorAll('article')].find((a) => a.innerText.includes('{bank}'))?.querySelector('svg.map, .map')")).unwrap();
    }
    is_fine(&admin);
    admin
}
