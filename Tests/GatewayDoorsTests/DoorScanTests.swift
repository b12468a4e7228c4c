// DoorScanTests.swift — what a scan may hold.

import GatewayDoors
import Testing

@Suite struct DoorScanTests {
    /// A scan is copied on every step of a request's way: a reference in it, of whichever door, costs
    /// each request some two thousand instructions.
    @Test func aScanHoldsNoReference() {
        #expect(_isPOD(DoorScan.self))
    }
}
