"""A plan with something to show in each view of the schema ``report``."""

from typing import Final

from service.storage import Connection
from tests.support.databases import CLIENT_TABLES
from tests.support.native import native

PLAN: Final = native(
    """<project id="P-1" source="native" calendar="C1"><name>Plant</name><currency>EUR</currency>
    <start>2026-01-05T08:00:00</start><finish>2026-01-23T17:00:00</finish>
    <data-date>2026-01-12T08:00:00</data-date>
    <tasks>
      <task id="1" kind="wbs" wbs="CIVIL" summary="true"><name>Civil works</name></task>
      <task id="1" parent="1" code="A10"><name>Dig</name>
        <start>2026-01-08T08:00:00</start><finish>2026-01-13T17:00:00</finish>
        <duration>PT32H</duration><work>PT40H</work><percent-complete>50</percent-complete>
        <notes>Mind the cable.</notes><total-float>-PT8H</total-float><critical>true</critical>
        <cost>1200.50</cost><attributes>
          <attribute name="Code" type="json">[{"TypeObjectId": "5",
            "ValueObjectId": "51"}]</attribute>
          <attribute name="UDF" type="json">[{"TypeObjectId": "6", "CostValue": "7.5"}]</attribute>
        </attributes></task>
      <task id="2" parent="1" code="A20"><name>Pour</name>
        <start>2026-01-14T08:00:00</start><finish>2026-01-23T17:00:00</finish>
        <duration>PT64H</duration></task>
      <task id="3" parent="2" milestone="true"><name>Done</name>
        <start>2026-01-23T17:00:00</start><finish>2026-01-23T17:00:00</finish></task>
    </tasks>
    <dependencies><dependency predecessor="1" successor="2" type="SS" lag="PT12H"/></dependencies>
    <resources>
      <resource id="R1" type="work"><name>Crew</name><max-units>2</max-units></resource>
      <resource id="R2" type="material"><name>Concrete</name></resource>
      <resource id="R3"><name>Ada</name></resource>
      <resource id="R4"><name>Jon</name></resource>
    </resources>
    <assignments>
      <assignment task="1" resource="R1"><work>PT40H</work></assignment>
      <assignment task="2" resource="R1"><work>PT8H</work>
        <start>2026-01-17T08:00:00</start><finish>2026-01-18T17:00:00</finish></assignment>
      <assignment task="2" resource="R2"><work>PT9H</work></assignment>
      <assignment task="2" resource="R3"><work>PT6H</work>
        <start>2026-01-12T08:00:00</start><finish>2026-01-23T17:00:00</finish><attributes>
          <attribute name="TimephasedData" type="json">[
            {"Type": "2", "Unit": "2", "Start": "2026-01-12T08:00:00",
             "Finish": "2026-01-13T08:00:00", "Value": "PT5H0M0S"},
            {"Type": "1", "Unit": "2", "Start": "2026-01-24T08:00:00",
             "Finish": "2026-01-26T08:00:00", "Value": "PT1H0M0S"},
            {"Type": "4", "Unit": "2", "Start": "2026-01-24T08:00:00",
             "Finish": "2026-01-25T08:00:00", "Value": "PT9H0M0S"}]</attribute>
        </attributes></assignment>
      <assignment task="2" resource="R4"><work>PT10H</work>
        <start>2026-01-12T08:00:00</start><finish>2026-01-12T17:00:00</finish><attributes>
          <attribute name="TimephasedData" type="json">[
            {"Type": "1", "Unit": "2", "Start": "2026-01-26T08:00:00",
             "Finish": "2026-01-27T08:00:00", "Value": "PT5H0M0S"}]</attribute>
        </attributes></assignment>
    </assignments>
    <attributes><attribute name="ObjectId">98</attribute></attributes>
    <baselines>
      <baseline number="0" current="true"><name>Agreed</name></baseline>
      <baseline number="1"><name>Draft</name></baseline>
    </baselines>
    <baseline-tasks>
      <baseline-task number="0" task="91" code="A10"><start>2026-01-06T08:00:00</start>
        <finish>2026-01-12T05:00:00</finish><duration>PT40H</duration><work>PT50H</work>
        <cost>1000</cost></baseline-task>
      <baseline-task number="0" task="3"><finish>2026-01-24T17:00:00</finish></baseline-task>
      <baseline-task number="1" task="2"><finish>2026-01-20T17:00:00</finish></baseline-task>
    </baseline-tasks>
    <parts>
      <part element="ActivityCode"><attribute name="ObjectId">51</attribute>
        <attribute name="CodeTypeObjectId">5</attribute>
        <attribute name="CodeValue">NORTH</attribute></part>
      <part element="ActivityCodeType"><attribute name="ObjectId">5</attribute>
        <attribute name="Name">Area</attribute></part>
      <part element="UDFType"><attribute name="ObjectId">6</attribute>
        <attribute name="Title">Risk</attribute><attribute name="DataType">Cost</attribute></part>
      <part element="Calendar"><attribute name="ObjectId">C1</attribute>
        <attribute name="Name">Standard</attribute>
        <attribute name="HolidayOrExceptions" type="json">[{"HolidayOrException":
          [{"Date": "2026-12-25T00:00:00"}]}]</attribute></part>
      <part element="Relationship">
        <attribute name="PredecessorProjectObjectId">99</attribute>
        <attribute name="PredecessorActivityObjectId">9</attribute>
        <attribute name="SuccessorProjectObjectId">98</attribute>
        <attribute name="SuccessorActivityObjectId">1</attribute>
        <attribute name="Type">Finish to Start</attribute></part>
    </parts>
    </project>"""
)


async def copy_to_client_2(connection: Connection) -> None:
    """Copy every row of client 1 to client 2, so that both have the same to show."""
    await connection.execute("INSERT INTO clients (client_id, name) VALUES (2, 'Two')")
    for (table,) in await connection.fetch(CLIENT_TABLES):
        if table != "clients":
            await connection.execute(
                f"INSERT INTO {table} SELECT (jsonb_populate_record(t, '{{\"client_id\": 2}}')).*"
                f" FROM {table} t WHERE client_id = 1"
            )
