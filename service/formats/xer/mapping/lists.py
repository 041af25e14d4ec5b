"""The lists that all projects of P6 share: currencies, topics, units, responsibilities."""

from typing import Final

from service.formats.xer.mapping import words as w
from service.formats.xer.mapping.fields import AUDIT, flag, guid, number, same, text, word
from service.formats.xer.tables import XerTable

TABLES: Final = {
    "CURRTYPE": XerTable(
        "Currency",
        AUDIT
        | {
            "curr_id": same("ObjectId"),
            "curr_type": text("Name"),
            "curr_short_name": text("Id"),
            "curr_symbol": text("Symbol"),
            "decimal_digit_cnt": same("DecimalPlaces"),
            "decimal_symbol": word("DecimalSymbol", w.MARK),
            "digit_group_symbol": word("DigitGroupingSymbol", w.MARK),
            "pos_curr_fmt_type": text("PositiveSymbol"),
            "neg_curr_fmt_type": text("NegativeSymbol"),
            "base_exch_rate": number("ExchangeRate"),
        },
    ),
    "OBS": XerTable(
        "OBS",
        AUDIT
        | {
            "obs_id": same("ObjectId"),
            "parent_obs_id": same("ParentObjectId"),
            "guid": guid(),
            "seq_num": same("SequenceNumber"),
            "obs_name": text("Name"),
            "obs_descr": text("Description"),
        },
    ),
    "MEMOTYPE": XerTable(
        "NotebookTopic",
        AUDIT
        | {
            "memo_type_id": same("ObjectId"),
            "memo_type": text("Name"),
            "seq_num": same("SequenceNumber"),
            "eps_flag": flag("AvailableForEPS"),
            "proj_flag": flag("AvailableForProject"),
            "wbs_flag": flag("AvailableForWBS"),
            "task_flag": flag("AvailableForActivity"),
        },
    ),
    "UMEASURE": XerTable(
        "UnitOfMeasure",
        AUDIT
        | {
            "unit_id": same("ObjectId"),
            "unit_abbrev": text("Abbreviation"),
            "unit_name": text("Name"),
            "seq_num": same("SequenceNumber"),
        },
    ),
    "LOCATION": XerTable(
        "Location",
        AUDIT
        | {
            "location_id": same("ObjectId"),
            "location_name": text("Name"),
            "address_line1": text("AddressLine1"),
            "address_line2": text("AddressLine2"),
            "city_name": text("City"),
            "municipality_name": text("Municipality"),
            "state_name": text("State"),
            "state_code": text("StateCode"),
            "country_name": text("Country"),
            "country_code": text("CountryCode"),
            "postal_code": text("PostalCode"),
            "longitude": number("Longitude"),
            "latitude": number("Latitude"),
        },
    ),
    "PHASE": XerTable(
        "WBSCategory",
        AUDIT
        | {
            "phase_id": same("ObjectId"),
            "phase_name": text("Name"),
            "seq_num": same("SequenceNumber"),
        },
    ),
    "BASETYPE": XerTable(
        "BaselineType",
        AUDIT
        | {
            "base_type_id": same("ObjectId"),
            "base_type": text("Name"),
            "base_type_seq_num": same("SequenceNumber"),
        },
    ),
    "NONWORK": XerTable(
        "OverheadCode",
        AUDIT
        | {
            "nonwork_type_id": same("ObjectId"),
            "nonwork_code": text("Name"),
            "nonwork_type": text("Description"),
            "seq_num": same("SequenceNumber"),
        },
    ),
}
