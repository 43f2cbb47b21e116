import Governance

/// One of Brightwater's people.
struct Person {
  /// The pseudonymous id.
  var id: String
  /// The name, a personal attribute.
  var name: String
  /// The group of the first day.
  var team: String
  /// The title.
  var title: String
  /// The first day; nil for who was there when the story begins.
  var joined: String?
  /// Person, or external.
  var kind = IdentityKind.person

  init(_ id: String, _ name: String, _ team: String, _ title: String, joined: String? = nil, kind: IdentityKind = .person) {
    self.id = id
    self.name = name
    self.team = team
    self.title = title
    self.joined = joined
    self.kind = kind
  }

  /// The GitHub account, for those who write software: the first letter of the given name and the family name.
  var account: String? {
    guard SampleOrganisation.softwareTeams.contains(team), let initial = id.first, let dot = id.firstIndex(of: ".") else {
      return nil
    }
    return "github:\(initial)\(id[id.index(after: dot)...])"
  }
}

extension SampleOrganisation {
  /// Teams whose people have GitHub accounts.
  static let softwareTeams: Set<String> = ["payments", "platform", "web", "data", "data-science"]

  /// Everyone who ever worked there; externals are told of in their own plot lines.
  static let staff: [Person] = [
    Person("margaret.holt", "Margaret Holt", "leadership", "Chief executive"),
    Person("rafael.quintero", "Rafael Quintero", "leadership", "Chief financial officer"),
    Person("ingrid.solberg", "Ingrid Solberg", "leadership", "Chief technology officer"),

    Person("alice.moreau", "Alice Moreau", "payments", "Engineering lead"),
    Person("daniel.okafor", "Daniel Okafor", "payments", "Senior engineer"),
    Person("priya.raman", "Priya Raman", "payments", "Engineer"),
    Person("jonas.weber", "Jonas Weber", "payments", "Engineer"),
    Person("mei.tanaka", "Mei Tanaka", "payments", "Senior engineer"),
    Person("samuel.adeyemi", "Samuel Adeyemi", "payments", "Engineer"),
    Person("clara.jimenez", "Clara Jiménez", "payments", "Engineer", joined: "2024-05-06"),
    Person("leo.marchetti", "Leo Marchetti", "payments", "Engineer", joined: "2025-02-03"),

    Person("viktor.hansen", "Viktor Hansen", "platform", "Engineering lead"),
    Person("nadia.rahimi", "Nadia Rahimi", "platform", "Site reliability engineer"),
    Person("oscar.lind", "Oscar Lind", "platform", "Site reliability engineer"),
    Person("fatima.elidrissi", "Fatima El Idrissi", "platform", "Engineer"),
    Person("ben.whitaker", "Ben Whitaker", "platform", "Database engineer"),
    Person("sofia.kovacs", "Sófia Kovács", "platform", "Engineer", joined: "2024-03-04"),

    Person("emma.laurent", "Emma Laurent", "web", "Engineering lead"),
    Person("lucas.brandao", "Lucas Brandão", "web", "Engineer"),
    Person("hana.suzuki", "Hana Suzuki", "web", "Engineer"),
    Person("george.papas", "George Papas", "web", "Engineer"),
    Person("chloe.martin", "Chloé Martin", "web", "Engineer"),
    Person("ravi.menon", "Ravi Menon", "web", "Engineer", joined: "2024-08-05"),

    Person("anders.nyberg", "Anders Nyberg", "data", "Data lead"),
    Person("yusuf.demir", "Yusuf Demir", "data", "Data engineer"),
    Person("lily.chen", "Lily Chen", "data", "Data engineer"),
    Person("noor.haddad", "Noor Haddad", "data-science", "Data science lead"),
    Person("peter.vance", "Peter Vance", "data-science", "Data scientist"),
    Person("akiko.mori", "Akiko Mori", "data-science", "Data scientist"),
    Person("elena.petrova", "Elena Petrova", "data-science", "Data scientist", joined: "2024-06-03"),

    Person("tomas.berg", "Tomás Berg", "finance", "Treasurer"),
    Person("grace.oyelaran", "Grace Oyelaran", "finance", "Payroll lead"),
    Person("maria.santos", "Maria Santos", "finance", "Accountant"),
    Person("mario.santoro", "Mario Santoro", "finance", "Payroll accountant"),
    Person("dmitri.volkov", "Dmitri Volkov", "finance", "Accountant", joined: "2024-09-02"),

    Person("judith.aaronson", "Judith Aaronson", "people-team", "Head of people"),
    Person("kofi.mensah", "Kofi Mensah", "people-team", "People partner"),
    Person("beatriz.alves", "Beatriz Alves", "people-team", "Recruiter"),

    Person("hugo.lefevre", "Hugo Lefèvre", "support", "Support lead"),
    Person("zara.khan", "Zara Khan", "support", "Support agent"),
    Person("owen.price", "Owen Price", "support", "Support agent"),
    Person("milan.jovanovic", "Milan Jovanović", "support", "Support agent"),
    Person("isla.mcleod", "Isla McLeod", "support", "Support agent"),
    Person("tunde.balogun", "Tunde Balogun", "support", "Support engineer"),
    Person("rosa.delgado", "Rosa Delgado", "support", "Support agent"),
    Person("finn.keller", "Finn Keller", "support", "Support agent", joined: "2024-10-14"),

    Person("carla.bianchi", "Carla Bianchi", "sales", "Head of sales"),
    Person("erik.johansson", "Erik Johansson", "sales", "Account manager"),
    Person("amelia.stone", "Amelia Stone", "sales", "Account manager", joined: "2025-05-12"),
    Person("david.cohen", "David Cohen", "sales", "Account manager"),
    Person("yara.nasser", "Yara Nasser", "sales", "Account manager", joined: "2024-04-15"),
    Person("simon.baker", "Simon Baker", "sales", "Account manager"),

    Person("katarina.novotna", "Kateřina Novotná", "security", "Security engineer"),
    Person("marcus.reid", "Marcus Reid", "security", "Security analyst", joined: "2024-07-01"),

    Person("lena.fischer", "Lena Fischer", "it", "IT lead"),
    Person("patrick.doyle", "Patrick Doyle", "it", "IT administrator"),
    Person("stella.andreou", "Stella Andreou", "it", "IT administrator"),
  ]

  /// One of the staff by id; the id is part of this program, so a wrong one traps.
  static func person(_ id: String) -> Person {
    guard let person = staff.first(where: { $0.id == id }) else { preconditionFailure("\(id) is not of the staff") }
    return person
  }
}
