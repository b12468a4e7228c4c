// ModelListCall.swift — asks one provider for a page of its list of models, with the provider's own
// credential, and keeps what came until it is taken. A shell; used by ModelCatalog, and by
// who tries credentials.

import GatewayCodec
import GatewayModel
import GatewayPolicy
import GatewayProviders
import Reactor
import ReactorCore

/// Asks for pages, one after the other.
package final class ModelListCall {
    package enum Outcome {
        case page(ModelListPage)
        case failed(Failure)
    }

    private let upstream: Upstream
    private let codec: ModelListCodec
    private unowned(unsafe) let loop: EventLoop
    /// Told at the end of the turn in which an outcome is there.
    private weak var owner: (any Deferrable)?
    private let call = HTTPClientCall()
    private let arena = JSONArena()

    private var cursor: [UInt8] = []
    private var lease: TokenLease?
    /// Whether the provider refused a lent credential once already.
    private var hasRenewedLease = false
    private var status = 0
    private var body = ByteBuffer()
    /// Where the answer comes compressed.
    private var inflater: Inflater?
    private var outcome: Outcome?

    package init(
        _ upstream: Upstream, _ codec: ModelListCodec, on loop: EventLoop, owner: any Deferrable
    ) {
        self.upstream = upstream
        self.codec = codec
        self.loop = loop
        self.owner = owner
    }

    /// Asks for the page behind `cursor`; empty: the first. The last outcome must have been taken.
    package func start(cursor: [UInt8]) {
        self.cursor = cursor
        lease = nil
        hasRenewedLease = false
        send()
    }

    /// What came, once.
    package func takeOutcome() -> Outcome? {
        defer { outcome = nil }
        return outcome
    }

    /// Stops; no outcome follows.
    package func cancel() {
        call.cancel()
        upstream.tokens?.forget(self)
        outcome = nil
    }

    private func send() {
        if let tokens = upstream.tokens, lease == nil {
            lease = tokens.lease(for: self)
            if lease == nil { return }
        }
        status = 0
        inflater = nil
        body.removeAll()
        guard let origin = upstream.listPlace(for: lease)?.origin else {
            return end(.failed(Failure(.upstreamUnreachable, "There is no host to ask.")))
        }
        call.start(on: origin, clocks: .inBackground, delegate: self)
    }

    private func end(_ outcome: Outcome) {
        self.outcome = outcome
        inflater = nil
        body.release()
        if let owner { loop.atEndOfTurn(owner) }
    }

    private func read() -> Outcome {
        if let inflater, !inflater.isFinished {
            return .failed(Failure(.upstreamCut, "Its compressed answer was cut."))
        }
        return cursor.withUnsafeBytes { read(cursor: ByteSlice($0)) }
    }

    private func read(cursor: ByteSlice) -> Outcome {
        guard status == 200 else {
            if codec.endsList(status: status, cursor: cursor) { return .page(ModelListPage()) }
            let kind: Failure.Kind =
                status == 401 || status == 403 ? .upstreamAuthentication : .upstreamFault
            return .failed(Failure(kind, "It answered with status \(status)."))
        }
        do throws(Failure) {
            return .page(try codec.decode(body.slice, cursor: cursor, arena: arena))
        } catch {
            return .failed(error)
        }
    }
}

extension ModelListCall: TokenWaiter {
    package func tokenArrived(_ lease: TokenLease) {
        self.lease = lease
        send()
    }

    package func tokenFailed(_ failure: Failure) { end(.failed(failure)) }
}

extension ModelListCall: HTTPClientCallDelegate {
    package func writeRequest(on connection: HTTPClientConnection) {
        guard let head = upstream.listPlace(for: lease)?.head else { return }
        var target = ByteBuffer()
        var fields = ByteBuffer()
        if !upstream.hasModelsTarget {
            cursor.withUnsafeBytes { codec.appendTarget(cursor: ByteSlice($0), to: &target) }
        }
        codec.appendFields(to: &fields)
        connection.withOutput {
            head.appendGet(
                target: target.slice, token: lease?.token.secret, fields: fields.slice, to: &$0)
        }
    }

    package func responseHeadArrived(_ head: HTTPHead) {
        status = head.status
        if status == 401, let lease, !hasRenewedLease, let tokens = upstream.tokens {
            hasRenewedLease = true
            call.cancel()
            tokens.rejected(generation: lease.generation)
            self.lease = nil
            return send()
        }
        // Identity was asked for; some servers send gzip all the same.
        guard let coding = head.fields.first("content-encoding"),
            !coding.equalsIgnoringCase("identity")
        else { return }
        inflater = Inflater(coding: coding)
        if inflater == nil { stop("It answered in an encoding not asked for.") }
    }

    private func stop(_ reason: String) {
        call.cancel()
        end(.failed(Failure(.upstreamMalformed, reason)))
    }

    package func responseBodyArrived(_ bytes: ByteSlice) {
        guard let inflater else { return keep(bytes) }
        do throws(Inflater.Failure) { try inflater.inflate(bytes) { keep($0) } } catch {
            stop("Its compressed answer is broken.")
        }
    }

    /// Of what comes behind the bound nothing is kept: an outcome is there.
    private func keep(_ bytes: ByteSlice) {
        guard outcome == nil else { return }
        guard body.count + bytes.count <= ModelListCodec.bodyBytesMax else {
            return stop("It answered with more than \(ModelListCodec.bodyBytesMax) bytes.")
        }
        body.append(bytes)
    }

    package func responseEnded() { end(read()) }

    package func callFailed(_ failure: HTTPClientFailure) {
        end(.failed(Exchange.failure(failure, provider: upstream.name)))
    }
}
