//! Roles and what each may do. Deny by default: what the table does not name is refused.

use crate::id::{BankId, SiteId};

/// What a person is to the organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Receives parcels.
    Resident,
    /// Drops parcels off, at the kiosk only.
    Courier,
    /// Runs a site day by day.
    Operator,
    /// Installs and repairs banks; sees no parcels and no people.
    Technician,
    /// Reads and exports everything that proves something; changes nothing.
    Auditor,
    /// Runs the organisation.
    Admin,
    /// Runs the installation.
    SuperAdmin,
}

impl Role {
    /// Every role, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::Resident,
        Self::Courier,
        Self::Operator,
        Self::Technician,
        Self::Auditor,
        Self::Admin,
        Self::SuperAdmin,
    ];

    /// The stable name used in the API and the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Resident => "resident",
            Self::Courier => "courier",
            Self::Operator => "operator",
            Self::Technician => "technician",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
            Self::SuperAdmin => "super-admin",
        }
    }

    /// The role with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $text:literal: $($role:ident)|+;)*) => {
        /// One thing that can be allowed or not.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Permission {
            $($(#[$doc])* $name,)*
        }

        impl Permission {
            /// Every permission.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable name used in tokens and documentation.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The permission with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|p| p.name() == name)
            }

            const fn granted_to(self, role: Role) -> bool {
                match self { $(Self::$name => matches!(role, $(Role::$role)|+),)* }
            }
        }
    };
}

permissions! {
    /// See banks, compartment maps and health.
    ViewBanks = "banks.view": Operator | Technician | Auditor | Admin | SuperAdmin;
    /// Take compartments out of service and back, reopen a keypad.
    OperateBanks = "banks.operate": Operator | Technician | Admin | SuperAdmin;
    /// Enrol and remove banks.
    EnrolBanks = "banks.enrol": Admin | SuperAdmin;
    /// See parcels and where they are.
    ViewParcels = "parcels.view": Operator | Auditor | Admin | SuperAdmin;
    /// Send a new code, extend, revoke.
    ManageParcels = "parcels.manage": Operator | Admin | SuperAdmin;
    /// See people's names and contacts; every look is logged.
    ViewPeople = "people.view": Operator | Admin | SuperAdmin;
    /// Add, change and remove residents and couriers.
    ManagePeople = "people.manage": Operator | Admin | SuperAdmin;
    /// Erase a person: everything known of them, everywhere the platform reaches.
    ErasePeople = "people.erase": Admin | SuperAdmin;
    /// Place and lift legal holds.
    ManageHolds = "holds.manage": Admin | SuperAdmin;
    /// Give and take staff roles.
    ManageStaff = "staff.manage": Admin | SuperAdmin;
    /// See alerts.
    ViewAlerts = "alerts.view": Operator | Technician | Auditor | Admin | SuperAdmin;
    /// Acknowledge and close alerts.
    HandleAlerts = "alerts.handle": Operator | Technician | Admin | SuperAdmin;
    /// Read the custody log.
    ViewLog = "log.view": Operator | Auditor | Admin | SuperAdmin;
    /// Export the custody log.
    ExportLog = "log.export": Auditor | Admin | SuperAdmin;
    /// Change settings and notification texts.
    ManageSettings = "settings.manage": Admin | SuperAdmin;
    /// Create and revoke API tokens.
    ManageTokens = "tokens.manage": Admin | SuperAdmin;
}

/// Where a role holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Everywhere in the organisation.
    Organisation,
    /// At one site and its banks.
    Site(SiteId),
    /// At one bank.
    Bank(BankId),
}

impl Scope {
    /// Whether what is allowed in this scope is allowed in `other`. `site_of` is the site of a bank named by `other`.
    pub fn covers(self, other: Self, site_of: Option<SiteId>) -> bool {
        match (self, other) {
            (Self::Organisation, _) => true,
            (Self::Site(a), Self::Site(b)) => a == b,
            (Self::Site(a), Self::Bank(_)) => site_of == Some(a),
            (Self::Bank(a), Self::Bank(b)) => a == b,
            _ => false,
        }
    }
}

/// A role held in a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The role.
    pub role: Role,
    /// Where it holds.
    pub scope: Scope,
}

/// Whether a role has a permission at all.
pub const fn allows(role: Role, permission: Permission) -> bool {
    permission.granted_to(role)
}

/// Whether any of the assignments allows `permission` at `target`.
pub fn permits(held: &[Assignment], permission: Permission, target: Scope, site_of: Option<SiteId>) -> bool {
    held.iter().any(|a| allows(a.role, permission) && a.scope.covers(target, site_of))
}

/// Whether somebody holding `held` may give `role` in `scope`: nobody gives what they do not hold.
pub fn may_assign(held: &[Assignment], role: Role, scope: Scope, site_of: Option<SiteId>) -> bool {
    permits(held, Permission::ManageStaff, scope, site_of)
        && held.iter().any(|a| a.role >= role && a.scope.covers(scope, site_of))
        && Permission::ALL.iter().all(|p| !allows(role, *p) || permits(held, *p, scope, site_of))
}
