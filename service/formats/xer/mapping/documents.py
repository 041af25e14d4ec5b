"""Documents, and what is watched in a project: issues, thresholds and risks."""

from typing import Final

from service.formats.xer.mapping import words as w
from service.formats.xer.mapping.fields import AUDIT, date, flag, guid, number, same, text, word
from service.formats.xer.tables import XerTable

TABLES: Final = {
    "DOCCATG": XerTable(
        "DocumentCategory",
        AUDIT
        | {
            "doc_catg_id": same("ObjectId"),
            "doc_catg_name": text("Name"),
            "seq_num": same("SequenceNumber"),
        },
    ),
    "DOCSTAT": XerTable(
        "DocumentStatusCode",
        AUDIT
        | {
            "doc_status_id": same("ObjectId"),
            "doc_status_code": text("Name"),
            "seq_num": same("SequenceNumber"),
        },
    ),
    "DOCUMENT": XerTable(
        "Document",
        AUDIT
        | {
            "doc_id": same("ObjectId"),
            "proj_id": same("ProjectObjectId"),
            "parent_doc_id": same("ParentObjectId"),
            "doc_catg_id": same("DocumentCategoryObjectId"),
            "doc_status_id": same("DocumentStatusCodeObjectId"),
            "rsrc_id": same("ResourceObjectId"),
            "guid": guid(),
            "doc_seq_num": same("SequenceNumber"),
            "doc_name": text("Title"),
            "doc_short_name": text("ReferenceNumber"),
            "doc_content": text("Description"),
            "doc_mgmt_type": text("DocumentType"),
            "author_name": text("Author"),
            "version_name": text("Version"),
            "private_loc": text("PrivateLocation"),
            "public_loc": text("PublicLocation"),
            "cr_external_doc_key": text("ContentRepositoryDocumentInternalId"),
            "doc_date": date("RevisionDate"),
            "deliv_flag": flag("Deliverable"),
        },
        key="doc_id",
    ),
    "TASKDOC": XerTable(
        "ProjectDocument",
        AUDIT
        | {
            "taskdoc_id": same("ObjectId"),
            "proj_id": same("ProjectObjectId"),
            "wbs_id": same("WBSObjectId"),
            "task_id": same("ActivityObjectId"),
            "doc_id": same("DocumentObjectId"),
            "wp_flag": flag("IsWorkProduct"),
        },
    ),
    "THRSPARM": XerTable(
        "ThresholdParameter",
        AUDIT
        | {
            "thresh_parm_id": same("ObjectId"),
            "thresh_parm_name": text("Name"),
            "thresh_parm_type": text("Type"),
        },
    ),
    "PROJTHRS": XerTable(
        "ProjectThreshold",
        AUDIT
        | {
            "thresh_id": same("ObjectId"),
            "proj_id": same("ProjectObjectId"),
            "wbs_id": same("WBSObjectId"),
            "obs_id": same("OBSObjectId"),
            "thresh_parm_id": same("ThresholdParameterObjectId"),
            "thresh_type": text("DetailToMonitor"),
            "priority_type": word("IssuePriority", w.PRIORITY),
            "status_code": text("Status"),
            "lo_parm_value": number("LowerThreshold"),
            "hi_parm_value": number("UpperThreshold"),
            "window_start": date("FromDate"),
            "window_end": date("ToDate"),
        },
    ),
    "PROJISSU": XerTable(
        "ProjectIssue",
        AUDIT
        | {
            "issue_id": same("ObjectId"),
            "proj_id": same("ProjectObjectId"),
            "wbs_id": same("WBSObjectId"),
            "task_id": same("ActivityObjectId"),
            "rsrc_id": same("ResourceObjectId"),
            "obs_id": same("OBSObjectId"),
            "thresh_id": same("ProjectThresholdObjectId"),
            "thresh_parm_id": same("ThresholdParameterObjectId"),
            "issue_name": text("Name"),
            "issue_notes": text("Notes"),
            "add_by_name": text("IdentifiedBy"),
            "add_date": date("DateIdentified"),
            "resolv_date": date("ResolutionDate"),
            "priority_type": word("Priority", w.PRIORITY),
            "status_code": text("Status"),
            "issue_value": number("ActualValue"),
            "lo_parm_value": number("LowerThreshold"),
            "hi_parm_value": number("UpperThreshold"),
        },
        key="issue_id",
    ),
    "PRORISK": XerTable(
        "Risk",
        AUDIT
        | {
            "risk_id": same("ObjectId"),
            "proj_id": same("ProjectObjectId"),
            "risk_type_id": same("RiskCategoryObjectId"),
            "rsrc_id": same("ResourceObjectId"),
            "identified_by_id": same("IdentifiedByResourceObjectId"),
            "risk_code": text("Id"),
            "risk_name": text("Name"),
            "risk_desc": text("Description"),
            "risk_cause": text("Cause"),
            "risk_effect": text("Effect"),
            "notes": text("Note"),
            "risk_to_type": text("Type"),
            "status_code": text("Status"),
            "add_date": date("IdentifiedDate"),
        },
        key="risk_id",
    ),
}
