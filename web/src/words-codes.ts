// What codes are called, in English and Chinese: `word("role", "nurse")`.

export const en: Record<string, string> = {
  "role-physician": "Physician", "role-nurse": "Nurse", "role-pharmacist": "Pharmacist", "role-registrar": "Registrar", "role-radiographer": "Radiographer",
  "role-billing": "Billing", "role-integration": "Integration", "role-auditor": "Auditor", "role-administrator": "Administrator", "role-system": "System",
  // Messages of interfaces.
  "message-received": "received", "message-applied": "applied", "message-refused": "refused", "message-dead": "given up", "message-ignored": "not asked for",
  "message-quarantined": "set aside", "message-waiting": "waiting", "message-sent": "sent",
  // What has to be done by a person; what is not here is called as the server calls it.
  "task-authorize-stay": "Ask the payer to authorize the stay", "task-review-identity": "Is this the same person?", "task-assign-room": "Find a bed",
  "task-authorization-denied": "Speak with the payer and the patient", "task-authorization-pended": "The payer has not decided",
  "task-claim-not-paid": "A claim was not paid", "task-payer-cannot-decide": "The payer cannot decide as it was asked",
  "task-x12-gap": "Files of a payer are missing", "task-x12-refused": "A payer refused a file", "task-x12-unreadable": "A file of a payer cannot be read",
  "task-x12-unbalanced": "A payment does not add up", "task-x12-unknown-claim": "A payment for an unknown claim", "task-two-stays": "Two stays at once",
  // - Source: FHIR R4: event-status, request-status, composition-status, diagnostic-report-status, fm-status.
  "status-active": "active", "status-current": "current", "status-final": "final", "status-preliminary": "preliminary", "status-partial": "partial",
  "status-registered": "registered", "status-amended": "amended", "status-corrected": "corrected", "status-appended": "appended", "status-cancelled": "cancelled",
  "status-entered-in-error": "entered in error", "status-unknown": "unknown", "status-superseded": "superseded", "status-available": "available",
  "status-completed": "completed", "status-in-progress": "in progress", "status-not-done": "not done", "status-on-hold": "on hold", "status-stopped": "stopped",
  "status-draft": "draft", "status-revoked": "revoked", "status-planned": "planned", "status-arrived": "arrived", "status-triaged": "triaged",
  "status-onleave": "on leave", "status-finished": "discharged", "status-preparation": "in preparation", "status-inactive": "inactive", "status-resolved": "resolved",
  // - Source: HL7 v3 ActCode.
  "class-IMP": "Inpatient", "class-ACUTE": "Inpatient, acute", "class-NONAC": "Inpatient, non-acute", "class-EMER": "Emergency", "class-OBSENC": "Observation",
  "class-SS": "Short stay", "class-AMB": "Outpatient", "class-PRENC": "Pre-admission", "class-VR": "Virtual", "class-HH": "Home health", "class-FLD": "Field",
  "audit-read": "read", "audit-search": "searched", "audit-create": "created", "audit-update": "changed", "audit-delete": "deleted", "audit-history": "read its history",
  "audit-operation": "did", "audit-sign-in": "signed in", "audit-sign-out": "signed out", "audit-export": "exported", "audit-import": "imported",
  "purpose-TREAT": "treatment", "purpose-ETREAT": "emergency", "purpose-HPAYMT": "payment", "purpose-HOPERAT": "operations", "purpose-BTG": "broke the glass",
  "purpose-HSYSADMIN": "administration", "purpose-PUBHLTH": "public health", "purpose-PATRQT": "the patient asked", "purpose-HRESCH": "research",
};

export const zh: Record<string, string> = {
  "role-physician": "医生", "role-nurse": "护士", "role-pharmacist": "药师", "role-registrar": "登记员", "role-radiographer": "放射技师",
  "role-billing": "结算员", "role-integration": "接口", "role-auditor": "审计员", "role-administrator": "管理员", "role-system": "系统",
  "message-received": "已接收", "message-applied": "已处理", "message-refused": "已拒绝", "message-dead": "已放弃", "message-ignored": "不需要",
  "message-quarantined": "已隔离", "message-waiting": "等待中", "message-sent": "已发送",
  "task-authorize-stay": "请支付方授权住院", "task-review-identity": "是否同一人？", "task-assign-room": "安排床位",
  "task-authorization-denied": "与支付方和患者沟通", "task-authorization-pended": "支付方尚未决定",
  "task-claim-not-paid": "账单未获支付", "task-payer-cannot-decide": "支付方无法按此请求决定",
  "task-x12-gap": "支付方文件缺失", "task-x12-refused": "支付方拒绝了文件", "task-x12-unreadable": "无法读取支付方文件",
  "task-x12-unbalanced": "付款金额不平", "task-x12-unknown-claim": "付款对应的账单未知", "task-two-stays": "同时有两次住院",
  "status-active": "有效", "status-current": "当前", "status-final": "终稿", "status-preliminary": "初步", "status-partial": "部分",
  "status-registered": "已登记", "status-amended": "已修订", "status-corrected": "已更正", "status-appended": "已补充", "status-cancelled": "已取消",
  "status-entered-in-error": "录入错误", "status-unknown": "未知", "status-superseded": "已取代", "status-available": "可用",
  "status-completed": "已完成", "status-in-progress": "进行中", "status-not-done": "未执行", "status-on-hold": "暂停", "status-stopped": "已停止",
  "status-draft": "草稿", "status-revoked": "已撤回", "status-planned": "已计划", "status-arrived": "已到达", "status-triaged": "已分诊",
  "status-onleave": "请假中", "status-finished": "已出院", "status-preparation": "准备中", "status-inactive": "无效", "status-resolved": "已解决",
  "class-IMP": "住院", "class-ACUTE": "急性住院", "class-NONAC": "非急性住院", "class-EMER": "急诊", "class-OBSENC": "留观",
  "class-SS": "短期住院", "class-AMB": "门诊", "class-PRENC": "预入院", "class-VR": "远程", "class-HH": "居家", "class-FLD": "院外",
  "audit-read": "查看", "audit-search": "检索", "audit-create": "新建", "audit-update": "修改", "audit-delete": "删除", "audit-history": "查看历史",
  "audit-operation": "操作", "audit-sign-in": "登录", "audit-sign-out": "退出", "audit-export": "导出", "audit-import": "导入",
  "purpose-TREAT": "诊疗", "purpose-ETREAT": "急救", "purpose-HPAYMT": "结算", "purpose-HOPERAT": "运营", "purpose-BTG": "紧急越权",
  "purpose-HSYSADMIN": "系统管理", "purpose-PUBHLTH": "公共卫生", "purpose-PATRQT": "患者请求", "purpose-HRESCH": "研究",
};
