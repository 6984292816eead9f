// What the pages of interfaces and their messages say, in English and Chinese.
export const en = {
  interfaces: "Interfaces", needsSomebody: "Needs somebody", needsNobody: "Nothing needs anybody.", sources: "Where messages come from", destinations: "Where messages go", formerly: "No longer in the settings",
  countedSince: "Counted", hourBack: "Last hour", dayBack: "24 hours", weekBack: "7 days", ever: "All",
  listensAt: "Comes by", goesTo: "Goes to", encrypted: "TLS", plainText: "not encrypted", takesFrom: "what comes by", tellsChart: "what happens in the chart", connections: "Connections", lastMessage: "Last message",
  destination: "Destination", oldest: "Waits since", isOpen: "open", isShut: "not open", up: "up", untried: "not tried since the start", retrying: "does not take messages", downSince: "since", tries: "tries", nextTry: "next try", forAcks: "acknowledgments only",
  notOpen: "is not open", mistake: "The files of channels have a mistake, and are not used as they are now", doesNotTake: "does not take messages", waitHere: "wait", noInterfaces: "There are no interfaces", noDestinations: "Nothing is passed on",
  noDestinationsHint: "A channel passes messages on: a file in the folder that hl7.channels names.",
  direction: "Direction", incoming: "came in", outgoing: "went out", fromTime: "From", untilTime: "Before", anyPatient: "Any patient", filterPatient: "Patient", noFilters: "Clear filters", newerOnes: "Newer", olderOnes: "Older", newest: "Newest",
  chosenMessages: "chosen", chooseAll: "Choose all that match", chooseNone: "Choose none", chooseOne: "Choose message", together: "Work on them again", dryRun: "What would change", doneOf: "of", halt: "Stop", reportOf: "Report", tooMany: "Only the first 10,000 are chosen.", noWorse: "Nothing has been changed.", collecting: "Looking for them…",
  wouldChange: "records would change", wouldMake: "records would be made", wouldGo: "would be sent to", noWay: "no such destination is in the settings: it would wait", cannotWork: "cannot be worked on", isApplied: "worked on", isDead: "given up", isWaiting: "is sent again", notDone: "not done", inOrder: "Oldest first, one after the other. Each is one entry of the audit log.",
  dismiss: "Nothing to do", dismissed: "nothing to do", dismissHint: "It is kept with the message, and nobody is asked about it any more.", sendAgain: "Send again", waitsAgain: "It waits to be sent again", readable: "Readable", asItCame: "As it came", showEmpty: "Show empty parts", isDeleted: "deleted", deletedHint: "the receiver deletes its value", notParsed: "These bytes cannot be read as a message.", cutShort: "characters in all", segmentsCut: "segments are not shown", madeRecords: "What it made", ofPatient: "Chart", message: "Message", noAnswerKept: "No answer was kept", attempts: "Tries", peer: "From", charset: "Character set", line: "line", problemIn: "Go to",
};

export const zh: typeof en = {
  interfaces: "接口", needsSomebody: "需要处理", needsNobody: "目前无需处理。", sources: "消息来源", destinations: "消息去向", formerly: "已不在设置中",
  countedSince: "统计范围", hourBack: "最近一小时", dayBack: "24 小时", weekBack: "7 天", ever: "全部",
  listensAt: "来自", goesTo: "发往", encrypted: "TLS", plainText: "未加密", takesFrom: "取自接口", tellsChart: "病历中的变化", connections: "连接数", lastMessage: "最近消息",
  destination: "目的地", oldest: "最早等待", isOpen: "已打开", isShut: "未打开", up: "正常", untried: "启动后尚未尝试", retrying: "不接收消息", downSince: "始于", tries: "尝试次数", nextTry: "下次尝试", forAcks: "仅应答",
  notOpen: "未打开", mistake: "通道文件有误，目前未按其内容使用", doesNotTake: "不接收消息", waitHere: "条等待", noInterfaces: "没有接口", noDestinations: "没有转发",
  noDestinationsHint: "通道负责转发消息：它是 hl7.channels 所指文件夹中的一个文件。",
  direction: "方向", incoming: "收到", outgoing: "发出", fromTime: "起始时间", untilTime: "截止时间", anyPatient: "所有患者", filterPatient: "患者", noFilters: "清除筛选", newerOnes: "较新", olderOnes: "较早", newest: "最新",
  chosenMessages: "条已选", chooseAll: "选择全部匹配项", chooseNone: "取消选择", chooseOne: "选择消息", together: "一并重新处理", dryRun: "将有何变化", doneOf: "/", halt: "停止", reportOf: "报告", tooMany: "只选择了前 10,000 条。", noWorse: "未作任何更改。", collecting: "正在查找…",
  wouldChange: "条记录将更改", wouldMake: "条记录将新建", wouldGo: "将发往", noWay: "设置中没有此目的地：将会等待", cannotWork: "无法处理", isApplied: "已处理", isDead: "已放弃", isWaiting: "将再次发送", notDone: "未完成", inOrder: "从最早的开始，逐条处理。每条在审计日志中记一项。",
  dismiss: "无需处理", dismissed: "无需处理", dismissHint: "与消息一同保存，此后不再提示处理。", sendAgain: "再次发送", waitsAgain: "等待再次发送", readable: "可读形式", asItCame: "原文", showEmpty: "显示空的部分", isDeleted: "删除", deletedHint: "接收方删除其值", notParsed: "这些字节不能作为消息读取。", cutShort: "个字符（全长）", segmentsCut: "个段未显示", madeRecords: "产生的记录", ofPatient: "病历", message: "消息", noAnswerKept: "没有保存应答", attempts: "尝试次数", peer: "来自", charset: "字符集", line: "行", problemIn: "转到",
};

/** What codes are called. */
export const codesEn: Record<string, string> = {
  "place-mllp": "MLLP", "place-http": "HTTP", "place-s3": "S3", "place-folder": "Folder",
  "fault-no-connection": "no connection", "fault-connect-timeout": "no connection in time", "fault-no-answer": "no answer in time", "fault-broken": "the connection broke", "fault-closed": "the receiver closed the connection",
  "fault-other-answer": "it answered another message", "fault-status": "HTTP status", "fault-rejected": "it rejects the message for now", "fault-not-written": "the file cannot be written", "fault-unusable": "the settings of this destination cannot be used",
  "fault-request": "the address or the token cannot be used", "fault-too-large": "the answer is too large",
  "direction-in": "in", "direction-out": "out",
  "severity-I": "note", "severity-W": "warning", "severity-E": "error", "severity-F": "unreadable",
  // As the server says them in its answers.
  "problem-no-header": "the message does not begin with MSH", "problem-too-large": "the message is larger than allowed", "problem-delimiter-character": "a delimiter is not a printable ASCII sign", "problem-delimiter-twice": "one character stands for two delimiters",
  "problem-delimiter-count": "MSH-2 names no delimiter, or more than five", "problem-unknown-charset": "the character set is not in table 0211", "problem-unsupported-charset": "the character set cannot be read here",
  "problem-undecodable": "bytes that are not text in the character set of the message", "problem-byte-order-mark": "a byte order mark stands before the message", "problem-leading-space": "white space stands before the message",
  "problem-doubled-escape": "MSH-2 has its escape character twice", "problem-line-feed": "segments end with a line feed", "problem-carriage-return-line-feed": "segments end with a carriage return and a line feed",
  "problem-blank-line": "there are empty lines between segments", "problem-no-last-terminator": "the last segment is not ended", "problem-line-feed-in-field": "a field has a line feed that is not escaped",
  "problem-control-character": "a field has a control character that is not escaped", "problem-undeclared-charset": "text is Unicode and MSH-18 does not say so", "problem-charset-alias": "MSH-18 has a name that is not in table 0211 but is understood",
  "problem-windows-code-page": "bytes 80 to 9F are read as the Windows code page beside the ISO one", "problem-shift-jis": "text is Shift-JIS and MSH-18 names a Japanese ISO-IR set", "problem-segment-name": "a line does not begin with a segment name",
  "problem-second-header": "a second MSH stands inside the message", "problem-escape-open": "an escape sequence is not closed", "problem-escape-unknown": "an escape sequence that is not defined", "problem-escape-undecodable": "an escape sequence that is no text in its character set",
  "problem-unsupported-version": "the version is not known", "problem-unknown-structure": "the message type is not known in its version", "problem-unknown-event": "the trigger event is not known in its version",
  "problem-unknown-segment": "the segment is not known in its version", "problem-unexpected-segment": "the segment has no place in this message", "problem-segment-order": "the segment stands in the wrong place",
  "problem-missing-segment": "a required segment is missing", "problem-missing-group": "a required group is missing; its first required segment is named", "problem-segment-cardinality": "the segment stands more often than allowed",
  "problem-missing-field": "a required value is missing", "problem-missing-component": "a required component is missing", "problem-missing-control-id": "MSH-10 is empty", "problem-not-used": "a value that must not be there",
  "problem-extra-field": "a field beyond the definition of the segment", "problem-extra-component": "a component beyond the definition of the data type", "problem-field-cardinality": "the field repeats more often than allowed",
  "problem-too-long": "the value is longer than allowed", "problem-data-type": "the value does not fit its data type", "problem-table-value": "the code is not in the table of the field", "problem-batch-count": "the number of messages is not the one in BTS-1",
  "problem-file-count": "the number of batches is not the one in FTS-1", "problem-batch-order": "a batch segment stands in the wrong place", "problem-batch-open": "a batch or file has no trailer", "problem-outside": "lines outside any message",
  "problem-control-id-reused": "the sender gave this MSH-10 to another message before", "problem-out-of-sequence": "MSH-13 is not the number that is expected; MSA-4 says which is", "problem-unknown-record": "the message is about a record that is not there",
  "problem-ambiguous-record": "several records have this identifier", "problem-invalid-record": "the message does not make a valid FHIR resource", "problem-wrong-state": "the event does not follow the state of the encounter",
  "problem-script-failed": "the script of the channel could not work on the message", "problem-not-now": "the message cannot be stored now", "problem-more-problems": "there are more problems than are listed",
};

export const codesZh: Record<string, string> = {
  "place-mllp": "MLLP", "place-http": "HTTP", "place-s3": "S3", "place-folder": "文件夹",
  "fault-no-connection": "无法连接", "fault-connect-timeout": "连接超时", "fault-no-answer": "应答超时", "fault-broken": "连接中断", "fault-closed": "接收方关闭了连接",
  "fault-other-answer": "应答的是另一条消息", "fault-status": "HTTP 状态", "fault-rejected": "接收方暂时拒绝", "fault-not-written": "无法写入文件", "fault-unusable": "此目的地的设置不可用",
  "fault-request": "地址或令牌不可用", "fault-too-large": "应答过大",
  "direction-in": "收到", "direction-out": "发出",
  "severity-I": "提示", "severity-W": "警告", "severity-E": "错误", "severity-F": "不可读",
  "problem-no-header": "消息不以 MSH 开头", "problem-too-large": "消息超过允许的大小", "problem-delimiter-character": "分隔符不是可打印的 ASCII 字符", "problem-delimiter-twice": "同一字符用作两个分隔符", "problem-delimiter-count": "MSH-2 没有分隔符或超过五个",
  "problem-unknown-charset": "字符集不在 0211 表中", "problem-unsupported-charset": "此处不能读取该字符集", "problem-undecodable": "有字节不属于消息的字符集",
  "problem-byte-order-mark": "消息前有字节顺序标记", "problem-leading-space": "消息前有空白", "problem-doubled-escape": "MSH-2 中转义字符重复", "problem-line-feed": "段以换行符结束", "problem-carriage-return-line-feed": "段以回车加换行结束", "problem-blank-line": "段之间有空行", "problem-no-last-terminator": "最后一段没有结束符",
  "problem-line-feed-in-field": "字段中有未转义的换行", "problem-control-character": "字段中有未转义的控制字符", "problem-undeclared-charset": "文本为 Unicode 而 MSH-18 未说明", "problem-charset-alias": "MSH-18 的名称不在 0211 表中，但可以理解", "problem-windows-code-page": "字节 80 至 9F 按 Windows 代码页读取", "problem-shift-jis": "文本为 Shift-JIS 而 MSH-18 为日文 ISO-IR 字符集",
  "problem-segment-name": "此行不以段名开头", "problem-second-header": "消息中有第二个 MSH", "problem-escape-open": "转义序列未结束", "problem-escape-unknown": "未定义的转义序列", "problem-escape-undecodable": "转义序列不属于其字符集",
  "problem-unsupported-version": "未知的版本", "problem-unknown-structure": "此版本没有该消息类型", "problem-unknown-event": "此版本没有该触发事件", "problem-unknown-segment": "此版本没有该段", "problem-unexpected-segment": "该段不属于此消息", "problem-segment-order": "该段位置不对", "problem-missing-segment": "缺少必需的段", "problem-missing-group": "缺少必需的组，所列为其首个必需段", "problem-segment-cardinality": "该段出现次数过多",
  "problem-missing-field": "缺少必需的值", "problem-missing-component": "缺少必需的组件", "problem-missing-control-id": "MSH-10 为空", "problem-not-used": "不应有此值", "problem-extra-field": "超出段定义的字段", "problem-extra-component": "超出数据类型定义的组件", "problem-field-cardinality": "字段重复次数过多", "problem-too-long": "值过长", "problem-data-type": "值不符合其数据类型", "problem-table-value": "代码不在字段的表中",
  "problem-batch-count": "消息数与 BTS-1 不符", "problem-file-count": "批数与 FTS-1 不符", "problem-batch-order": "批的段位置不对", "problem-batch-open": "批或文件没有结尾段", "problem-outside": "有行不属于任何消息",
  "problem-control-id-reused": "发送方曾将此 MSH-10 用于另一条消息", "problem-out-of-sequence": "MSH-13 不是预期的序号，见 MSA-4", "problem-unknown-record": "消息所指的记录不存在", "problem-ambiguous-record": "多条记录有此标识", "problem-invalid-record": "消息不能成为有效的 FHIR 资源", "problem-wrong-state": "事件与就诊状态不符", "problem-script-failed": "通道的脚本未能处理此消息", "problem-not-now": "目前不能存储此消息", "problem-more-problems": "还有更多问题未列出",
};
