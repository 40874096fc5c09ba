"""Documents made from ten forms: no two of one form say the same, and each has a copy in other dress."""

# ruff: noqa: E501  (texts)
from __future__ import annotations

import random
import re

FIRST = [
    "Alice",
    "Bertha",
    "Carlos",
    "Dorothea",
    "Emre",
    "Fatima",
    "Gustav",
    "Helena",
    "Ivan",
    "Jasmin",
    "Kofi",
    "Lucia",
    "Mateo",
    "Nadia",
    "Oskar",
    "Priya",
    "Quentin",
    "Rosa",
    "Stefan",
    "Tamara",
    "Umberto",
    "Valerie",
    "Wim",
    "Xenia",
    "Yusuf",
    "Zofia",
    "Anders",
    "Bruna",
    "Cyril",
    "Dilara",
]
LAST = [
    "Abbott",
    "Bergman",
    "Castillo",
    "Dietrich",
    "Eriksson",
    "Ferrara",
    "Gallagher",
    "Hoffmann",
    "Ivanova",
    "Jankowski",
    "Kowalczyk",
    "Lindqvist",
    "Montague",
    "Nakamura",
    "Oyelaran",
    "Petrescu",
    "Quintero",
    "Rasmussen",
    "Silvestri",
    "Takahashi",
    "Ulrich",
    "Vandenberg",
    "Whitaker",
    "Xanthopoulos",
    "Yildirim",
    "Zimmermann",
    "Achterberg",
    "Bonaventura",
    "Christodoulou",
    "Dragomir",
]
THING = [
    "oak table",
    "brass lantern",
    "woollen blanket",
    "copper kettle",
    "garden hose",
    "leather saddle",
    "marble basin",
    "desk lamp",
    "bicycle pump",
    "canvas tent",
    "cedar chest",
    "ceramic vase",
    "folding ladder",
    "gilded mirror",
    "hammock",
    "iron gate",
    "kitchen scale",
    "linen curtain",
    "mountain boots",
    "nautical chart",
    "orchid pot",
    "porcelain cup",
    "quilted jacket",
    "rocking chair",
    "silver spoon",
    "toolbox",
    "umbrella stand",
    "velvet cushion",
    "walnut shelf",
    "xylophone",
]
TOWN = [
    "Ashford",
    "Brixen",
    "Caldera",
    "Dornbirn",
    "Esztergom",
    "Falmouth",
    "Gdynia",
    "Haarlem",
    "Imatra",
    "Jaca",
    "Kotor",
    "Lugano",
    "Mostar",
    "Narvik",
    "Olbia",
    "Piran",
    "Quimper",
    "Rovinj",
    "Sibiu",
    "Trieste",
    "Uppsala",
    "Viborg",
    "Wexford",
    "Ystad",
    "Zadar",
    "Antibes",
    "Bergamo",
    "Chania",
    "Delft",
    "Evora",
]
MONTH = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
TRADE = [
    "beekeeping",
    "bookbinding",
    "first aid",
    "woodcarving",
    "sign language",
    "forklift driving",
    "food hygiene",
    "mountain rescue",
    "stone masonry",
    "sailmaking",
    "welding",
    "archiving",
]

FORMS = {
    "invoice": """Invoice {number}
        Billed to {name}, {house} Mill Lane, {town}. Date of the invoice: {day} {month} {year}.
        We delivered {count} x {thing} at {price} each. The total is due within thirty days of the date above. Please
        state the number of the invoice with your payment, and let us know at once if anything was damaged on the way.
        Goods remain our property until they are paid in full. Thank you for your custom.""",
    "appointment": """Dear {name},
        your next appointment at the practice in {town} is on {day} {month} {year} at {hour}:{minute}. Please bring your
        insurance card and a list of the medicines that you take. If you cannot come, call us at least two days before,
        so that somebody else can have the time. Appointments that are missed without notice are charged.""",
    "certificate": """Certificate of attendance
        This is to certify that {name} of {town} has attended the course in {trade} from {day} to {later} {month} {year},
        comprising {count} hours of instruction, and has passed the examination with {score} of 100 points. The
        certificate is valid for three years from the last day of the course. Register number {number}.""",
    "receipt": """Received from {name}, {town}, the sum of {price} for the hire of one {thing} from {day} {month} to
        {later} {month} {year}. The deposit will be paid back when the article is returned clean and undamaged during
        opening hours. Lost articles are charged at the price of a new one. Receipt number {number}.""",
    "reminder": """Library of {town}. Dear {name}, the book that you borrowed on {day} {month} {year} under the number
        {number} has not come back. Please return it within a week. From the second reminder on we charge {price} for each
        week. If you have returned it in the meantime, take no notice of this letter.""",
    "delivery note": """Delivery note {number}. Consignee: {name}, {house} Harbour Street, {town}. Contents: {count} x {thing},
        packed in cardboard. Weight {weight} kg. Left our warehouse on {day} {month} {year}. Please check the goods for
        damage before you sign, and note what is missing on all three sheets. Later claims cannot be considered.""",
    "lease": """Between the landlord and {name} it is agreed that the flat at {house} Chestnut Avenue, {town}, is let from
        {day} {month} {year} for a monthly rent of {price}, payable in advance by the third working day. The tenant keeps the
        flat in good order, does not sublet it without consent and gives three months' notice in writing.""",
    "membership": """Welcome, {name}! You have been a member of the rowing club of {town} since {day} {month} {year}; your number
        is {number}. Members may use the boats from sunrise to sunset after they have entered their names in the book. The
        yearly fee of {price} is collected in spring. Guests are welcome on Sundays if a member goes with them.""",
    "weather": """Weather report for {town}, {day} {month} {year}. Highest temperature {count} degrees, lowest {low} degrees,
        precipitation {weight} mm, wind from the {wind} at {house} km/h. The report is issued at six in the morning by the
        regional office and is valid until the next one. For warnings of storms and floods listen to the radio.""",
    "insurance": """Notice of loss {number}. Insured: {name}, {town}. On {day} {month} {year} at about {hour}:{minute} one
        {thing} worth {price} was reported as stolen. The insured states that the door was locked and that the police were
        told at once. The file is sent to the department of claims, which answers within four weeks.""",
}  # fmt: skip


def instances(n_each: int, seed: int = 1) -> dict[str, str]:
    """-> `n_each` instances of every form, by name."""
    rng, out, people = random.Random(seed), {}, [f"{a} {b}" for a in FIRST for b in LAST]
    for form, text in FORMS.items():
        rng.shuffle(people)
        for i in range(n_each):
            day = rng.randint(1, 14)
            values = {
                "name": people[i], "town": rng.choice(TOWN), "thing": rng.choice(THING), "day": day,
                "later": day + rng.randint(2, 14), "month": rng.choice(MONTH), "year": rng.randint(1998, 2025),
                "number": rng.randint(10000, 99999), "house": rng.randint(2, 180), "count": rng.randint(5, 36),
                "price": f"{rng.randint(3, 900)}.{rng.randint(0, 99):02}", "hour": rng.randint(8, 17),
                "minute": rng.choice(["00", "15", "30", "45"]), "score": rng.randint(50, 100), "low": -rng.randint(1, 9),
                "weight": rng.randint(2, 70), "wind": rng.choice(["north", "east", "south", "west"]),
                "trade": rng.choice(TRADE),
            }  # fmt: skip
            out[f"{form} {i:03}"] = " ".join(text.format(**values).split())
    return out


def tokenized(text: str) -> str:
    """A text in lower case, its marks set apart: the copy that a tokenizer leaves.

    >>> tokenized("Dear Ann, it's 5.")
    "dear ann , it 's 5 ."
    """
    return " ".join(re.findall(r"'?\w+|[^\w\s]", text.lower()))
