import Delivery
import Ingest
import Market
import Store

/// Counters in the Prometheus text format.
///
/// Labels are feeds and outcomes: few, and never a symbol or a channel.
enum MetricsText {
    static func feeds(_ monitors: [FeedMonitor]) -> String {
        var text = "# TYPE tickwire_feed_frames_total counter\n"
        for monitor in monitors {
            for value in monitor.frames.values {
                text +=
                    "tickwire_feed_frames_total{feed=\"\(monitor.name)\",outcome=\"\(value.name)\"} \(value.count)\n"
            }
        }
        text += "# TYPE tickwire_feed_connections gauge\n"
        for monitor in monitors { text += "tickwire_feed_connections{feed=\"\(monitor.name)\"} \(monitor.live)\n" }
        text += "# TYPE tickwire_feed_connects_total counter\n"
        for monitor in monitors {
            text += "tickwire_feed_connects_total{feed=\"\(monitor.name)\"} \(monitor.connections)\n"
        }
        text += "# TYPE tickwire_feed_connect_failures_total counter\n"
        for monitor in monitors {
            text += "tickwire_feed_connect_failures_total{feed=\"\(monitor.name)\"} \(monitor.connectFailures)\n"
        }
        return text
    }

    static func pipeline(_ counters: MarketPipeline.Counters) -> String {
        self.counter("tickwire_pipeline_ticks_total", counters.ticks)
            + self.counter("tickwire_pipeline_duplicates_total", counters.duplicates)
            + self.counter("tickwire_alerts_fired_total", counters.alertsFired)
            + self.gauge("tickwire_alerts_armed", counters.alertsArmed)
    }

    /// Times that have not come yet are left out.
    static func alerts(_ status: AlertStatus, _ counters: AlertServiceCounters) -> String {
        var text =
            self.counter("tickwire_alerts_evaluations_total", status.evaluations)
            + self.counter("tickwire_alerts_late_total", status.late)
            + self.counter("tickwire_alerts_storms_total", status.storms)
            + self.counter("tickwire_alerts_suppressed_total", status.suppressed)
            + self.counter("tickwire_alerts_stored_total", counters.stored)
            + self.counter("tickwire_alerts_changes_total", counters.changes)
            + self.counter("tickwire_alerts_replayed_ticks_total", counters.ticksReplayed)
            + self.gauge("tickwire_alerts_live", status.isLive ? 1 : 0)
            + self.seconds("tickwire_alerts_load_seconds", counters.loading)
        let now = Timestamp.now.nanoseconds
        for (name, time) in [
            ("tickwire_alerts_evaluation_age_seconds", status.evaluatedAt),
            ("tickwire_alerts_checkpoint_age_seconds", counters.storedAt),
        ] {
            if let time { text += self.seconds(name, .nanoseconds(max(0, now - time.nanoseconds))) }
        }
        return text
    }

    static func guardCounters(_ counters: [GuardCounters]) -> String {
        var text = "# TYPE tickwire_guard_ticks_total counter\n"
        for feed in counters {
            for (reason, count) in feed.ticks {
                text += "tickwire_guard_ticks_total{feed=\"\(feed.feed)\",reason=\"\(reason.rawValue)\"} \(count)\n"
            }
        }
        text += "# TYPE tickwire_guard_gaps_total counter\n"
        for feed in counters {
            for (reason, count) in feed.gaps {
                text += "tickwire_guard_gaps_total{feed=\"\(feed.feed)\",reason=\"\(reason.rawValue)\"} \(count)\n"
            }
        }
        text += "# TYPE tickwire_guard_missing_total counter\n"
        for feed in counters {
            for (reason, count) in feed.missing {
                text += "tickwire_guard_missing_total{feed=\"\(feed.feed)\",reason=\"\(reason.rawValue)\"} \(count)\n"
            }
        }
        return text
    }

    /// The gaps that wait to be asked for.
    static func repair(waiting: Int) -> String { self.gauge("tickwire_repair_waiting", waiting) }

    static func recorder(_ counters: RecorderCounters) -> String {
        self.counter("tickwire_recorder_received_total", Int(counters.received))
            + self.counter("tickwire_recorder_resumed_total", Int(counters.resumed))
            + self.counter("tickwire_recorder_recorded_total", Int(counters.recorded))
            + self.counter("tickwire_recorder_duplicates_total", Int(counters.duplicates))
            + self.counter("tickwire_recorder_quarantined_total", Int(counters.quarantined))
            + self.counter("tickwire_recorder_batches_total", Int(counters.batches))
            + self.gauge("tickwire_recorder_pending", Int(counters.pending))
    }

    static func journal(_ counters: JournalCounters) -> String {
        self.counter("tickwire_journal_appended_total", Int(counters.appended))
            + self.counter("tickwire_journal_syncs_total", Int(counters.syncs))
            + "# TYPE tickwire_journal_lost_total counter\n"
            + "tickwire_journal_lost_total{stream=\"trades\"} \(counters.lostTrades)\n"
            + "tickwire_journal_lost_total{stream=\"quotes\"} \(counters.lostQuotes)\n"
            + self.gauge("tickwire_journal_bytes", Int(counters.bytesOnDisk))
            + self.gauge("tickwire_journal_segments", counters.segments)
            + self.gauge("tickwire_journal_pending_bytes", counters.pendingBytes)
            + self.gauge("tickwire_journal_alarm", counters.isAlarmed ? 1 : 0)
    }

    static func candles(_ counters: CandleWriterCounters) -> String {
        self.counter("tickwire_candles_written_total", Int(counters.barsWritten))
            + self.counter("tickwire_candles_mended_trades_total", Int(counters.tradesMended))
            + self.gauge("tickwire_candles_pending", Int(counters.pendingBars))
    }

    static func deliveries(_ counters: DeliveryCounters) -> String {
        self.counter("tickwire_deliveries_completed_total", Int(counters.completed))
            + self.counter("tickwire_deliveries_retried_total", Int(counters.retried))
            + self.counter("tickwire_deliveries_abandoned_total", Int(counters.abandoned))
            + self.counter("tickwire_deliveries_deleted_total", Int(counters.deleted))
    }

    static func livePrices(_ counters: LivePriceCounters) -> String {
        self.counter("tickwire_live_sent_total", counters.sent)
            + self.counter("tickwire_live_held_back_total", counters.heldBack)
            + self.counter("tickwire_live_refused_total", counters.refused)
            + self.counter("tickwire_live_started_total", counters.started)
            + self.counter("tickwire_live_removed_total", counters.removed)
            + self.gauge("tickwire_live_channels", counters.channels)
            + self.gauge("tickwire_live_activities", counters.activities)
    }

    static func suppression(listeners: Int, suppressed: Int) -> String {
        self.gauge("tickwire_alerts_listeners", listeners)
            + self.counter("tickwire_deliveries_suppressed_total", suppressed)
    }

    static func publisher(_ counters: HTTPPublisher.Counters) -> String {
        self.counter("tickwire_publisher_published_total", counters.published)
            + self.counter("tickwire_publisher_messages_total", counters.messages)
            + self.counter("tickwire_publisher_merged_total", counters.merged)
            + self.counter("tickwire_publisher_dropped_trades_total", counters.droppedTrades)
            + self.counter("tickwire_publisher_dropped_total", counters.dropped)
            + self.gauge("tickwire_publisher_waiting", counters.waiting)
    }

    private static func counter(_ name: String, _ value: Int) -> String { "# TYPE \(name) counter\n\(name) \(value)\n" }
    private static func seconds(_ name: String, _ value: Duration) -> String {
        let milliseconds = value.components.seconds * 1000 + value.components.attoseconds / 1_000_000_000_000_000
        let fraction = String(1000 + milliseconds % 1000).dropFirst()
        return "# TYPE \(name) gauge\n\(name) \(milliseconds / 1000).\(fraction)\n"
    }
    private static func gauge(_ name: String, _ value: Int) -> String { "# TYPE \(name) gauge\n\(name) \(value)\n" }
}
