// What the interface says, in English and Chinese.
import { useSyncExternalStore } from "react";

import { en as medsEn, zh as medsZh } from "./words-meds";

const en = {
  ...medsEn,
  signIn: "Sign in", signOut: "Sign out", name: "Name", password: "Password", newPassword: "New password",
  setUp: "First account", setUpHint: "The server printed a set-up token when it started. It works once.",
  setUpToken: "Set-up token", create: "Create", passwordHint: "At least 12 characters",
  temporary: "This password is temporary. Choose one of your own.",
  welcome: "The hospital backbone", firstRun: "First start? Set up the first account",
  back: "Back", find: "Find a patient", findHint: "Name, number or birth date", nobody: "Nobody found",
  tasks: "Tasks", alikeTo: "alike:", finish: "Done", foundOut: "What did you find?",
  register: "Register", registration: "Registration", family: "Family name", given: "Given name", middle: "Middle names", birthDate: "Birth date", sex: "Sex",
  phone: "Phone", email: "E-mail", street: "Street", city: "City", postalCode: "Postal code", languageOf: "Language", contact: "Emergency contact", contactPhone: "Phone of the emergency contact",
  alike: "Somebody alike is registered", alikeHint: "Open the chart if this is the person. Mark everyone who is somebody else to go on.", somebodyElse: "Somebody else", hiddenPerson: "A chart that you may not see", registerAnyway: "Register as a new patient",
  certain: "certain", probable: "probable", possible: "possible",
  join: "Join", joinWith: "Join with another registration", joinHint: "Everything of this registration becomes part of the other one. It can be taken back.", joinReason: "Why are they the same person?", chosen: "Kept registration",
  joinedWith: "This registration was joined with another one. Its records are there.", openOther: "Open the other one", part: "Take it back", partReason: "Why are they two people?", partLeft: "Changed since, and not moved back:",
  board: "Beds", admit: "Admit", messages: "Messages", audit: "Audit", accounts: "Accounts",
  free: "Free", held: "Held", occupied: "Occupied", dirty: "To clean", closed: "Closed",
  clean: "Cleaned", close: "Close", reopen: "Open", discharge: "Discharge", move: "Move", leave: "Leave", return: "Back from leave",
  waiting: "Waiting for a bed", noBeds: "There are no beds yet",
  noBedsHint: "A bed is made when an ADT message names it, or by an administrator.",
  patient: "Patient", reason: "Reason for admission", service: "Service", ward: "Ward", bed: "Bed",
  isolation: "Isolation", monitoring: "Monitoring", single: "Single room if possible",
  ifNoBed: "If no bed fits", wait: "Wait for one", refuse: "Do not admit",
  admission: "Admission", steps: "Steps", cancelAdmission: "Take the admission back", whyCancel: "Why?",
  granted: "Granted", denied: "Denied", payer: "What did the payer decide?", reference: "Reference",
  pending: "to do", done: "done", skipped: "not needed", failed: "failed", undone: "taken back",
  running: "in progress", completed: "completed", cancelled: "taken back", undoing: "being taken back", "needs-operator": "somebody has to look",
  "waiting-step": "waiting",
  summary: "Summary", encounters: "Stays", results: "Results", medications: "Medications", documents: "Documents", timeline: "Timeline", access: "Who looked",
  allergies: "Allergies", noAllergies: "No known allergies", noneRecorded: "No allergies on record that you may see",
  problems: "Problems", vitals: "Latest vital signs", none: "None on record that you may see", born: "born", years: "years",
  male: "male", female: "female", other: "other", unknown: "unknown", deceased: "Deceased",
  test: "Test", value: "Value", range: "Range", when: "When", status: "Status", trend: "Trend",
  high: "high", low: "low", critical: "critical", normal: "normal", abnormal: "abnormal",
  state: "State", type: "Type", sender: "Sender", control: "Control id", problemsOf: "Problems", replay: "Work on it again", preview: "What would change",
  raw: "As it came", answer: "Answer", interface: "Interface", nothing: "Nothing that you may see",
  who: "Who", what: "What", outcome: "Outcome", role: "Role", active: "Active", addAccount: "New account",
  deactivate: "Close", activate: "Open", more: "More", confirm: "Yes, do it", stop: "No",
  shut: "Close", language: "中文", dark: "Dark", light: "Light", loading: "Loading…", menu: "Menu", transferTo: "Move to which bed?",
  unmatched: "This role has no pages here.", since: "since", changes: "changes", noChanges: "Nothing would change", trendOf: "Trend of",
  chooseTest: "Choose a test to see its trend", open: "Open", notAllowed: "Your role may not see this.",
};

const zh: Record<keyof typeof en, string> = {
  ...medsZh,
  signIn: "登录", signOut: "退出", name: "用户名", password: "密码", newPassword: "新密码",
  setUp: "首个账户", setUpHint: "服务器启动时打印了设置令牌，只能使用一次。", setUpToken: "设置令牌", create: "创建", passwordHint: "至少 12 个字符",
  temporary: "这是临时密码，请设置自己的密码。", welcome: "医院信息中枢", firstRun: "首次启动？设置首个账户",
  back: "返回", find: "查找患者", findHint: "姓名、编号或出生日期", nobody: "未找到患者",
  tasks: "待办", alikeTo: "相似：", finish: "完成", foundOut: "结果如何？",
  register: "登记", registration: "患者登记", family: "姓", given: "名", middle: "中间名", birthDate: "出生日期", sex: "性别",
  phone: "电话", email: "电子邮件", street: "街道", city: "城市", postalCode: "邮政编码", languageOf: "语言", contact: "紧急联系人", contactPhone: "紧急联系人电话",
  alike: "已有相似的登记", alikeHint: "如果是同一人，请打开其病历；请逐一标记不是同一人的登记后再继续。", somebodyElse: "不是同一人", hiddenPerson: "您无权查看的病历", registerAnyway: "作为新患者登记",
  certain: "确定", probable: "很可能", possible: "可能",
  join: "合并", joinWith: "与另一登记合并", joinHint: "此登记的全部记录将归入另一登记，可以撤销。", joinReason: "为什么是同一人？", chosen: "保留的登记",
  joinedWith: "此登记已与另一登记合并，记录在那里。", openOther: "打开另一登记", part: "撤销合并", partReason: "为什么是两个人？", partLeft: "之后被更改、未移回的记录：",
  board: "床位", admit: "入院", messages: "消息", audit: "审计", accounts: "账户",
  free: "空闲", held: "预留", occupied: "占用", dirty: "待清洁", closed: "停用",
  clean: "已清洁", close: "停用", reopen: "启用", discharge: "出院", move: "转床", leave: "请假", return: "销假",
  waiting: "等待床位", noBeds: "尚无床位", noBedsHint: "ADT 消息提到的床位会自动建立，管理员也可以建立。",
  patient: "患者", reason: "入院原因", service: "科室", ward: "病区", bed: "床位", isolation: "隔离", monitoring: "监护", single: "尽量单间",
  ifNoBed: "没有合适床位时", wait: "等待", refuse: "不入院",
  admission: "入院", steps: "步骤", cancelAdmission: "撤销入院", whyCancel: "原因", granted: "批准", denied: "拒绝", payer: "支付方的决定", reference: "编号",
  pending: "待办", done: "完成", skipped: "不需要", failed: "失败", undone: "已撤销",
  running: "进行中", completed: "已完成", cancelled: "已撤销", undoing: "正在撤销", "needs-operator": "需要人工处理", "waiting-step": "等待中",
  summary: "概要", encounters: "住院", results: "结果", medications: "用药", documents: "文档", timeline: "时间线", access: "查阅记录",
  allergies: "过敏", noAllergies: "无已知过敏", noneRecorded: "没有您可查看的过敏记录", problems: "诊断", vitals: "最近生命体征", none: "没有您可查看的记录", born: "出生", years: "岁",
  male: "男", female: "女", other: "其他", unknown: "未知", deceased: "已故",
  test: "项目", value: "数值", range: "参考范围", when: "时间", status: "状态", trend: "趋势", high: "高", low: "低", critical: "危急", normal: "正常", abnormal: "异常",
  state: "状态", type: "类型", sender: "发送方", control: "控制号", problemsOf: "问题", replay: "重新处理", preview: "将有何变化", raw: "原文", answer: "应答", interface: "接口", nothing: "没有您可查看的内容",
  who: "谁", what: "内容", outcome: "结果", role: "角色", active: "启用", addAccount: "新账户", deactivate: "停用", activate: "启用", more: "更多", confirm: "确认", stop: "取消",
  shut: "关闭", language: "English", dark: "深色", light: "浅色", loading: "加载中…", menu: "菜单", transferTo: "转到哪张床？", unmatched: "该角色在此没有页面。", since: "自", changes: "变化", noChanges: "没有变化", trendOf: "趋势：",
  chooseTest: "选择项目查看趋势", open: "打开", notAllowed: "您的角色无权查看。",
};

export type Word = keyof typeof en;
type Language = "en" | "zh";

let language: Language = localStorage.getItem("ward-language") === "zh" ? "zh" : "en";
const listeners = new Set<() => void>();

export function setLanguage(to: Language) {
  language = to;
  localStorage.setItem("ward-language", to);
  document.documentElement.lang = to;
  listeners.forEach((it) => it());
}

export function useWords() {
  const now = useSyncExternalStore(
    (listener) => (listeners.add(listener), () => listeners.delete(listener)),
    () => language,
  );
  const say = (word: Word) => (now === "zh" ? zh[word] : en[word]);
  const time = (text?: string) => {
    if (!text) return "—";
    const at = new Date(text);
    if (Number.isNaN(at.getTime())) return text;
    const style = text.length > 10 ? { dateStyle: "medium", timeStyle: "short" } : { dateStyle: "medium" };
    return new Intl.DateTimeFormat(now === "zh" ? "zh-CN" : "en-GB", style as Intl.DateTimeFormatOptions).format(at);
  };
  return { say, time, language: now };
}
