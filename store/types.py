"""Column types that mean the same in PostGIS and in a GeoPackage."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import shapely
import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from geo.errors import InvalidParameter

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

SRID = 4326
# GeoPackage binary header: magic "GP", version 0, flags (little-endian, no envelope), SRS id.
GPKG_HEADER = b"GP\x00\x01" + struct.pack("<i", SRID)

Int64 = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # "BIGINT" is no GeoPackage type
Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Real: TypeEngine[float] = sa.Double().with_variant(sa.REAL(), "sqlite")
Digest = sa.LargeBinary(16)


class _GeoPackageType(UserDefinedType[Any]):
    """A column whose declared type GeoPackage readers understand."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: object) -> str:
        return self.name


class Shape(TypeDecorator[shapely.Geometry]):
    """A shapely geometry in lon/lat: a PostGIS geometry, or a GeoPackage geometry blob."""

    impl = sa.LargeBinary
    cache_ok = True
    spatial_index = False  # GeoAlchemy2 looks here; boxes are plain columns with an index

    def __init__(self, kind: str) -> None:
        """Hold geometries of `kind`, as PostGIS names it (POINT, MULTIPOLYGON, GEOMETRY)."""
        super().__init__()
        self.kind = kind

    def load_dialect_impl(self, dialect: Dialect | None) -> TypeEngine[Any]:
        """Choose the column type of the store."""
        if dialect is None:  # GeoAlchemy2 asks so whether this is a raster
            return self.impl_instance
        if dialect.name == "postgresql":
            column = Geometry(self.kind, srid=SRID, spatial_index=False)
            return dialect.type_descriptor(column)  # type: ignore[no-any-return, unused-ignore]
        return dialect.type_descriptor(_GeoPackageType(self.kind))

    def process_bind_param(self, value: shapely.Geometry | None, dialect: Dialect) -> Any:  # noqa: ANN401
        """Write a geometry."""
        if value is None:
            return None
        flat = shapely.force_2d(value)  # the columns are two-dimensional in both stores
        if dialect.name == "postgresql":
            return shapely.to_wkb(shapely.set_srid(flat, SRID), hex=True, include_srid=True)
        return GPKG_HEADER + shapely.to_wkb(flat)

    def process_result_value(self, value: Any, dialect: Dialect) -> shapely.Geometry | None:  # noqa: ANN401
        """Read a geometry."""
        if value is None:
            return None
        if dialect.name == "postgresql":
            return shapely.set_srid(shapely.from_wkb(str(value)), 0)
        return shapely.from_wkb(without_header(bytes(value)))


def without_header(blob: bytes) -> bytes:
    """Strip a GeoPackage geometry's header, envelope included (other programs write one)."""
    envelope_doubles = (0, 4, 6, 6, 8)[(blob[3] >> 1) & 0b111]
    return blob[8 + 8 * envelope_doubles :]


class UtcTime(TypeDecorator[datetime]):
    """An instant to the second: aware UTC in Python, timestamptz or DATETIME text below."""

    impl = sa.String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect | None) -> TypeEngine[Any]:
        """Choose the column type of the store."""
        if dialect is None:  # GeoAlchemy2 asks so whether this is a raster
            return self.impl_instance
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.DateTime(timezone=True))
        return dialect.type_descriptor(_GeoPackageType("DATETIME"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ANN401
        """Write an instant; one without a zone is refused, because it would be a guess."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise InvalidParameter("time-without-zone", value=value.isoformat())
        utc = value.astimezone(UTC).replace(microsecond=0)
        if dialect.name == "postgresql":
            return utc
        return utc.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ANN401
        """Read an instant."""
        if value is None:
            return None
        if dialect.name == "postgresql":
            return value.astimezone(UTC)  # type: ignore[no-any-return]
        return datetime.fromisoformat(value).astimezone(UTC)


class Json(TypeDecorator[Any]):
    """A JSON value: JSONB, or text in a GeoPackage."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect | None) -> TypeEngine[Any]:
        """Choose the column type of the store."""
        if dialect is None:  # GeoAlchemy2 asks so whether this is a raster
            return self.impl_instance
        if dialect.name == "postgresql":
            return dialect.type_descriptor(JSONB(none_as_null=True))
        return dialect.type_descriptor(sa.Text())

    def process_bind_param(self, value: object, dialect: Dialect) -> Any:  # noqa: ANN401
        """Write a value."""
        if value is None or dialect.name == "postgresql":
            return value
        return json.dumps(value, ensure_ascii=False, sort_keys=True)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401
        """Read a value."""
        return value if value is None or dialect.name == "postgresql" else json.loads(value)
